/** NHS organisations and sites of the sandbox's directory; the telephone numbers are of the ranges kept for drama. */
import type { OdsCode } from '../domain/brands.ts'

/** One organisation, or a site of one (partOf names its organisation). */
export interface SandboxSite {
  readonly ods: OdsCode
  readonly name: string
  readonly partOf: OdsCode | undefined
  /** trust, hospital site, ambulance trust, mental health trust or GP practice. */
  readonly kind: string
  readonly town: string
  readonly phone: string
}

type Line = readonly [ods: string, name: string, partOf: string, kind: string, town: string, phone: string]

const LINES: readonly Line[] = [
  ['RCU', "Sheffield Children's NHS Foundation Trust", '', 'trust', 'Sheffield', '0114 496 0100'],
  ['RCUEF', "Sheffield Children's Hospital", 'RCU', 'hospital site', 'Sheffield', '0114 496 0101'],
  ['RBS', "Alder Hey Children's NHS Foundation Trust", '', 'trust', 'Liverpool', '0151 496 0100'],
  ['RR8', 'Leeds Teaching Hospitals NHS Trust', '', 'trust', 'Leeds', '0113 496 0100'],
  ['RR801', 'Leeds General Infirmary', 'RR8', 'hospital site', 'Leeds', '0113 496 0101'],
  ['R0A', 'Manchester University NHS Foundation Trust', '', 'trust', 'Manchester', '0161 496 0100'],
  ['R0A03', "Royal Manchester Children's Hospital", 'R0A', 'hospital site', 'Manchester', '0161 496 0101'],
  ['R0A66', 'North Manchester General Hospital', 'R0A', 'hospital site', 'Manchester', '0161 496 0102'],
  ['RTH', 'Oxford University Hospitals NHS Foundation Trust', '', 'trust', 'Oxford', '01632 960100'],
  ['RTH08', 'John Radcliffe Hospital', 'RTH', 'hospital site', 'Oxford', '01632 960101'],
  ['RJ1', "Guy's and St Thomas' NHS Foundation Trust", '', 'trust', 'London', '020 7946 0100'],
  ['RX8', 'Yorkshire Ambulance Service NHS Trust', '', 'ambulance trust', 'Wakefield', '01632 960110'],
  ['RRU', 'London Ambulance Service NHS Trust', '', 'ambulance trust', 'London', '020 7946 0110'],
  ['RX7', 'North West Ambulance Service NHS Trust', '', 'ambulance trust', 'Bolton', '01632 960111'],
  ['RV5', 'South London and Maudsley NHS Foundation Trust', '', 'mental health trust', 'London', '020 7946 0120'],
  ['A81001', 'The Densham Surgery', '', 'GP practice', 'Stockton-on-Tees', '01632 960120'],
  ['A81002', 'Queens Park Medical Centre', '', 'GP practice', 'Stockton-on-Tees', '01632 960121'],
]

export const SANDBOX_SITES: readonly SandboxSite[] = LINES.map(([ods, name, partOf, kind, town, phone]) => ({
  ods: ods as OdsCode,
  name,
  partOf: partOf === '' ? undefined : (partOf as OdsCode),
  kind,
  town,
  phone,
}))
