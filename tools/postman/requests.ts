/** The requests of the Postman collection and what is asserted of each answer; bodies come from examples/. */

export interface PostmanRequest {
  /** The word before the colon says who asks; see pre-request.js. */
  readonly name: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below `{{origin}}`. */
  readonly path: string
  /** Variable with the bearer token. */
  readonly token?: string
  /** File in examples/. */
  readonly example?: string
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly description: string
  /** Lines of the test script. */
  readonly tests: readonly string[]
}

export interface PostmanFolder {
  readonly name: string
  readonly requests: readonly PostmanRequest[]
}

const BASE = '/FHIR/R4'
const NEW_REQUEST_ID = { 'X-Request-ID': '{{$guid}}' }

const isStatus = (status: number): string =>
  `pm.test('the status is ${status}', () => pm.response.to.have.status(${status}))`
const BODY = 'const body = pm.response.json()'

const says = (code: string): string =>
  `pm.test('it says ${code}', () => pm.expect(body.issue.map((one) => one.details.coding[0].code)).to.include('${code}'))`

export const FOLDERS: readonly PostmanFolder[] = [
  {
    name: 'Open to all',
    requests: [
      {
        name: 'metadata',
        method: 'GET',
        path: `${BASE}/metadata`,
        description: 'What the server offers.',
        tests: [
          isStatus(200),
          BODY,
          "pm.test('it speaks R4', () => pm.expect(body.fhirVersion).to.equal('4.0.1'))",
          "pm.test('the check is an operation of Patient', () => {",
          "  const patient = body.rest[0].resource.find((one) => one.type === 'Patient')",
          "  pm.expect(patient.operation.map((one) => one.name)).to.include('cpis-check')",
          '})',
        ],
      },
      {
        name: 'token: client_credentials by private_key_jwt',
        method: 'POST',
        path: '/oauth2/token',
        form: {
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: '{{client_assertion}}',
        },
        description:
          'The request that the collection makes by itself before each request that needs a token, to be seen once in full.',
        tests: [
          isStatus(200),
          BODY,
          "pm.test('a bearer token that lives 300 seconds', () => {",
          "  pm.expect(body.token_type).to.equal('Bearer')",
          '  pm.expect(body.expires_in).to.equal(300)',
          "  pm.expect(body.scope.split(' ')).to.include('system/EpisodeOfCare.cruds')",
          '})',
        ],
      },
    ],
  },
  {
    name: 'An authority files plans',
    requests: [
      {
        name: 'authority: upload a plan',
        method: 'POST',
        path: BASE,
        token: 'authority_token',
        example: 'la-new-plan.transaction.json',
        description: 'A child protection plan with its Patient and Flag, all or nothing. Sending it again is safe.',
        tests: [
          isStatus(200),
          BODY,
          "pm.test('every entry was taken', () => {",
          "  pm.expect(body.type).to.equal('transaction-response')",
          '  for (const one of body.entry) pm.expect(one.response.status).to.match(/^20[01]/)',
          '})',
          "const plan = body.entry.map((one) => one.response.location || '').find((one) => one.includes('EpisodeOfCare/'))",
          "pm.environment.set('plan_id', /EpisodeOfCare\\/([^/]+)/.exec(plan)[1])",
        ],
      },
      {
        name: 'authority: read the plan',
        method: 'GET',
        path: `${BASE}/EpisodeOfCare/{{plan_id}}`,
        token: 'authority_token',
        description: 'Its own rows only: another authority’s id and an unknown one are the same 404.',
        tests: [
          isStatus(200),
          BODY,
          "pm.test('it is the plan, with its version', () => {",
          "  pm.expect(body.resourceType).to.equal('EpisodeOfCare')",
          "  pm.expect(pm.response.headers.get('ETag')).to.equal('W/\"' + body.meta.versionId + '\"')",
          '})',
        ],
      },
      {
        name: 'authority: find the plan by the NHS number',
        method: 'POST',
        path: `${BASE}/EpisodeOfCare/_search`,
        token: 'authority_token',
        form: { 'patient:identifier': 'https://fhir.nhs.uk/Id/nhs-number|9998450055', _total: 'accurate' },
        description: 'By POST, since an NHS number in a URL is refused.',
        tests: [
          isStatus(200),
          BODY,
          "pm.test('the plan is among them', () => pm.expect(body.entry.map((one) => one.resource.id)).to.include(pm.environment.get('plan_id')))",
          "pm.test('no link repeats the number', () => pm.expect(JSON.stringify(body.link)).to.not.include('9998450055'))",
        ],
      },
      {
        name: 'authority: an upload that is refused',
        method: 'POST',
        path: BASE,
        token: 'authority_token',
        example: 'refused-two-faults.request.json',
        description: 'All faults at once, each with its place; nothing of it is stored.',
        tests: [
          isStatus(400),
          BODY,
          "pm.test('an OperationOutcome names every place', () => {",
          "  pm.expect(body.resourceType).to.equal('OperationOutcome')",
          '  pm.expect(body.issue.length).to.be.greaterThan(1)',
          '  for (const one of body.issue) pm.expect(one.expression[0]).to.match(/^Bundle\\.entry/)',
          '})',
        ],
      },
    ],
  },
  {
    name: 'An authority is told',
    requests: [
      {
        name: 'receiver: subscribe',
        method: 'POST',
        path: `${BASE}/Subscription`,
        token: 'receiver_token',
        example: 'subscription.json',
        description: 'The endpoint gets a handshake, then one notification for each access. Listen there first.',
        tests: [
          isStatus(201),
          BODY,
          "pm.test('it stands where Location says', () => pm.expect(pm.response.headers.get('Location')).to.include('Subscription/' + body.id + '/_history/1'))",
          "pm.environment.set('subscription_id', body.id)",
        ],
      },
    ],
  },
  {
    name: 'An emergency nurse asks',
    requests: [
      {
        name: 'nurse: check a child with a plan',
        method: 'POST',
        path: `${BASE}/Patient/$cpis-check`,
        token: 'nurse_token',
        example: 'check-request.json',
        headers: NEW_REQUEST_ID,
        description: 'X-Request-ID is a new UUID for each new question. Only a 200 is an answer.',
        tests: [
          isStatus(200),
          BODY,
          'const of = (type) => body.entry.map((one) => one.resource).filter((one) => one.resourceType === type)',
          "pm.test('a Flag for each plan', () => {",
          '  pm.expect(body.total).to.be.greaterThan(0)',
          "  pm.expect(of('Flag')).to.have.lengthOf(body.total)",
          '})',
          "pm.test('whom to call', () => pm.expect(of('Organization')[0].contact).to.not.be.empty)",
          "pm.test('plain words last', () => pm.expect(body.entry[body.entry.length - 1].resource.resourceType).to.equal('OperationOutcome'))",
          "pm.test('no name of the child', () => pm.expect(of('Patient')).to.be.empty)",
        ],
      },
      {
        name: 'nurse: check a child of whom nothing is known',
        method: 'POST',
        path: `${BASE}/Patient/$cpis-check`,
        token: 'nurse_token',
        example: 'check-nothing.request.json',
        headers: NEW_REQUEST_ID,
        description: 'The same shape. It is not an assurance of safety.',
        tests: [
          isStatus(200),
          BODY,
          "pm.test('nothing known, in words', () => {",
          '  pm.expect(body.total).to.equal(0)',
          "  pm.expect(JSON.stringify(body.entry)).to.include('not an assurance of safety')",
          '})',
        ],
      },
      {
        name: 'nurse: check without a request id',
        method: 'POST',
        path: `${BASE}/Patient/$cpis-check`,
        token: 'nurse_token',
        example: 'check-request.json',
        description: 'The id is the key of repetition.',
        tests: [isStatus(400), BODY, says('MISSING_REQUEST_ID')],
      },
    ],
  },
  {
    name: 'Who looked',
    requests: [
      {
        name: 'authority: read the audit',
        method: 'GET',
        path: `${BASE}/AuditEvent?subtype=cpis-check&_count=5`,
        token: 'authority_token',
        description: 'Checks that found one of its children: who, in which role, from where; newest first.',
        tests: [
          isStatus(200),
          BODY,
          "pm.test('the nurse stands there with her role', () => {",
          '  const [newest] = body.entry.map((one) => one.resource)',
          '  const asker = newest.agent.find((one) => one.requestor)',
          "  pm.expect(asker.name).to.equal(JSON.parse(pm.environment.get('id_token_claims')).name)",
          '  pm.expect(asker.role).to.not.be.empty',
          '})',
        ],
      },
      {
        name: 'receiver: unsubscribe',
        method: 'DELETE',
        path: `${BASE}/Subscription/{{subscription_id}}`,
        token: 'receiver_token',
        description: 'Nothing is sent any more.',
        tests: [isStatus(204)],
      },
    ],
  },
]
