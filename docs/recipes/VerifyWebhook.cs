// A notification of the register is genuine: Standard Webhooks with ed25519. .NET 8 or later, `dotnet add package BouncyCastle.Cryptography`.
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

public static class VerifyWebhook
{
    private const long ToleranceSeconds = 5 * 60;

    /// <summary>Returns the webhook-id, or throws an InvalidDataException that says why not.</summary>
    /// <param name="headers">By lower-case name.</param>
    /// <param name="body">The bytes as they came, before any parsing.</param>
    /// <param name="jwks">What /.well-known/webhook-keys.json gave.</param>
    /// <param name="now">Seconds since 1970.</param>
    public static string Verify(IReadOnlyDictionary<string, string> headers, byte[] body, JsonDocument jwks, long now)
    {
        var id = headers.GetValueOrDefault("webhook-id");
        var timestamp = headers.GetValueOrDefault("webhook-timestamp");
        var signatures = headers.GetValueOrDefault("webhook-signature");
        if (string.IsNullOrEmpty(id) || string.IsNullOrEmpty(timestamp) || string.IsNullOrEmpty(signatures))
            throw new InvalidDataException("a header is missing");
        if (!Regex.IsMatch(timestamp, @"\A[0-9]{1,12}\z")) throw new InvalidDataException("the timestamp is no number");
        if (Math.Abs(now - long.Parse(timestamp)) > ToleranceSeconds)
            throw new InvalidDataException("the timestamp is too far from now");
        var keys = jwks.RootElement.GetProperty("keys").EnumerateArray()
            .Where(key => Text(key, "kty") == "OKP" && Text(key, "crv") == "Ed25519")
            .Select(key => new Ed25519PublicKeyParameters(FromBase64Url(Text(key, "x")!)))
            .ToList();
        var signed = Encoding.UTF8.GetBytes($"{id}.{timestamp}.").Concat(body).ToArray();
        // While keys rotate there are several signatures and several keys: one pair that fits is enough
        foreach (var one in signatures.Split(' ').Where(one => one.StartsWith("v1a,", StringComparison.Ordinal)))
        {
            var signature = new byte[64];
            if (!Convert.TryFromBase64String(one[4..], signature, out var length) || length != 64) continue;
            if (keys.Any(key => Fits(key, signed, signature))) return id;
        }
        throw new InvalidDataException("no signature is by a key of the register");
    }

    private static bool Fits(Ed25519PublicKeyParameters key, byte[] signed, byte[] signature)
    {
        var verifier = new Ed25519Signer();
        verifier.Init(false, key);
        verifier.BlockUpdate(signed, 0, signed.Length);
        return verifier.VerifySignature(signature);
    }

    private static string? Text(JsonElement key, string name) =>
        key.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static byte[] FromBase64Url(string text) =>
        Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='));
}
