/** Starts Swagger UI over this server's own document (swagger-ui-dist "Configuration"): nothing is loaded from elsewhere, nothing is sent elsewhere, no token is kept. */

const PAGE = document.querySelector('#document')

try {
  const answer = await fetch('/openapi.json')
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`)
  window.SwaggerUIBundle({
    spec: forThisPage(await answer.json()),
    domNode: PAGE,
    validatorUrl: null,
    persistAuthorization: false,
    docExpansion: 'none',
    defaultModelsExpandDepth: 0,
    deepLinking: true,
    filter: true,
    displayRequestDuration: true,
  })
} catch (error) {
  PAGE.replaceChildren(Object.assign(document.createElement('p'), { textContent: `No document. ${error.message}` }))
}

/** Requests go to where the page came from, by a pasted token: a browser has no client key for the flow. The required request id gets a first value. */
function forThisPage(spec) {
  spec.servers = [{ url: window.location.origin }]
  delete spec.components.securitySchemes.oauth2
  for (const item of Object.values(spec.paths)) {
    for (const operation of Object.values(item)) {
      operation.security = (operation.security ?? []).filter((one) => !('oauth2' in one))
    }
  }
  const id = window.crypto.randomUUID?.()
  if (id !== undefined) spec.components.parameters['X-Request-ID-required'].example = id
  return spec
}
