import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A notification of the register is genuine: Standard Webhooks with ed25519. Java 17 or later, nothing installed. */
public final class VerifyWebhook {
    private static final long TOLERANCE_SECONDS = 5 * 60;
    /** What stands before the 32 bytes of a key in its X.509 form (RFC 8410). */
    private static final byte[] PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

    public static final class NotGenuine extends Exception {
        NotGenuine(String why) {
            super(why);
        }
    }

    /** A key by the member x of its JWK; take those with kty OKP and crv Ed25519. */
    public static PublicKey key(String x) throws GeneralSecurityException {
        byte[] raw = Base64.getUrlDecoder().decode(x);
        byte[] encoded = new byte[PREFIX.length + raw.length];
        System.arraycopy(PREFIX, 0, encoded, 0, PREFIX.length);
        System.arraycopy(raw, 0, encoded, PREFIX.length, raw.length);
        return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
    }

    /**
     * Returns the webhook-id. headers: by lower-case name; body: the bytes as they came, before any parsing; keys: of
     * /.well-known/webhook-keys.json; now: seconds since 1970.
     */
    public static String verify(Map<String, String> headers, byte[] body, List<PublicKey> keys, long now)
            throws NotGenuine, GeneralSecurityException {
        String id = headers.getOrDefault("webhook-id", "");
        String timestamp = headers.getOrDefault("webhook-timestamp", "");
        String signatures = headers.getOrDefault("webhook-signature", "");
        if (id.isEmpty() || timestamp.isEmpty() || signatures.isEmpty()) throw new NotGenuine("a header is missing");
        if (!timestamp.matches("[0-9]{1,12}")) throw new NotGenuine("the timestamp is no number");
        if (Math.abs(now - Long.parseLong(timestamp)) > TOLERANCE_SECONDS)
            throw new NotGenuine("the timestamp is too far from now");
        ByteArrayOutputStream signed = new ByteArrayOutputStream();
        signed.writeBytes((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
        signed.writeBytes(body);
        // While keys rotate there are several signatures and several keys: one pair that fits is enough
        for (String one : signatures.split(" ")) {
            if (!one.startsWith("v1a,")) continue;
            for (PublicKey key : keys) if (fits(one.substring(4), key, signed.toByteArray())) return id;
        }
        throw new NotGenuine("no signature is by a key of the register");
    }

    private static boolean fits(String base64, PublicKey key, byte[] signed) throws GeneralSecurityException {
        Signature verifier = Signature.getInstance("Ed25519");
        verifier.initVerify(key);
        verifier.update(signed);
        try {
            return verifier.verify(Base64.getDecoder().decode(base64));
        } catch (IllegalArgumentException | GeneralSecurityException malformed) {
            return false;
        }
    }

    /** java VerifyWebhook.java FOLDER…: each holds the files headers, body, jwks.json and now; prints `good` or why not. */
    public static void main(String[] folders) throws Exception {
        for (String folder : folders) {
            Map<String, String> headers = new HashMap<>();
            for (String line : Files.readAllLines(Path.of(folder, "headers"))) {
                String[] parts = line.split(": ", 2);
                headers.put(parts[0], parts[1]);
            }
            // Java has no JSON of its own: use your library here
            List<PublicKey> keys = new ArrayList<>();
            Matcher jwk = Pattern.compile("\\{[^{}]*\\}").matcher(Files.readString(Path.of(folder, "jwks.json")));
            while (jwk.find()) {
                Matcher x = Pattern.compile("\"x\":\\s*\"([^\"]+)\"").matcher(jwk.group());
                if (jwk.group().matches(".*\"crv\":\\s*\"Ed25519\".*") && x.find()) keys.add(key(x.group(1)));
            }
            try {
                long now = Long.parseLong(Files.readString(Path.of(folder, "now")).trim());
                verify(headers, Files.readAllBytes(Path.of(folder, "body")), keys, now);
                System.out.println("good");
            } catch (NotGenuine error) {
                System.out.println(error.getMessage());
            }
        }
    }
}
