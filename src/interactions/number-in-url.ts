/** The check for an NHS number in an address (interface.md "REST"; R1), for the room that reads addresses. */
export { holdsNhsNumber as holdsNumber } from '../domain/nhs-number.ts'
