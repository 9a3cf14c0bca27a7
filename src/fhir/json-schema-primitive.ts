/** R4's primitive types as JSON Schemas (datatypes.html "Primitive Types"); the program's own check is primitive.ts. */

type PrimitiveSchema = Readonly<Record<string, unknown>>

const DAY = '\\d{4}(-\\d\\d(-\\d\\d)?)?'
const SCHEMAS: Readonly<Record<string, PrimitiveSchema>> = {
  boolean: { type: 'boolean' },
  integer: { type: 'integer', format: 'int32' },
  unsignedInt: { type: 'integer', format: 'int32', minimum: 0 },
  positiveInt: { type: 'integer', format: 'int32', minimum: 1 },
  decimal: { type: 'number' },
  id: { type: 'string', pattern: '^[A-Za-z0-9\\-.]{1,64}$' },
  date: { type: 'string', pattern: `^${DAY}$` },
  dateTime: { type: 'string', pattern: `^${DAY}(T.+)?$` },
  instant: { type: 'string', format: 'date-time' },
}

/** The schema of a primitive type; strings of any kind are non-empty strings. Pure. */
export function primitiveSchema(code: string): PrimitiveSchema {
  return SCHEMAS[code] ?? { type: 'string', minLength: 1 }
}
