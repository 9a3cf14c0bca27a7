/** The mail to a desk without a system (delivery.md; security.md "Privacy"): counts, words of the topic and links. Nothing about the child, nor about who looked, from where or when. */
import type { Topic } from './events.ts'
import type { NotificationType } from './notification.ts'

export interface AlertMailFacts {
  readonly type: NotificationType
  readonly topic: Topic
  /** Numbers of the events in it, in order. */
  readonly numbers: readonly number[]
  /** Where the desk looks: never with anything of a child. */
  readonly worklist: string
  /** For id-only: what the events point at, as URLs. */
  readonly links: readonly string[]
}

export interface AlertMail {
  /** One line of ASCII. */
  readonly subject: string
  readonly text: string
}

const WORDS: Readonly<Record<Topic, string>> = {
  'child-checked': 'a child with a plan of your authority was seen',
  'incident-opened': 'an incident of a child with a plan of your authority began',
  'nhs-number-superseded': 'the NHS has replaced a number under which you filed a plan',
  'nhs-number-missing': 'a plan of yours has no NHS number and is invisible to the NHS',
  'baby-born': 'a baby of an unborn plan of yours was born',
}

/** Subject and text. Only words of ours, numbers, and the links given. Pure. */
export function buildAlertMail(facts: AlertMailFacts): AlertMail {
  return facts.type === 'handshake' ? greeting(facts) : alert(facts)
}

function greeting({ topic, worklist }: AlertMailFacts): AlertMail {
  return {
    subject: 'CP-IS: this address will be told of alerts',
    text: lines(
      'From now on the child protection register tells this address when',
      `${WORDS[topic]}.`,
      '',
      'Your worklist, with your own sign-in:',
      worklist,
      '',
      'If this should not be, ask your authority to end the subscription.',
      NOBODY,
    ),
  }
}

function alert({ topic, numbers, worklist, links }: AlertMailFacts): AlertMail {
  const [first = 0, last = first] = [numbers[0], numbers.at(-1)]
  const count = numbers.length === 1 ? '1 new alert' : `${numbers.length} new alerts`
  const which = first === last ? `Alert ${first}` : `Alerts ${first} to ${last}`
  return {
    subject: `CP-IS: ${count}`,
    text: lines(
      `The child protection register has ${count} for your authority:`,
      `${WORDS[topic]}.`,
      '',
      'Your worklist, with your own sign-in:',
      worklist,
      ...(links.length === 0 ? [] : ['', 'What it is about, with your own sign-in:', ...links]),
      '',
      `${which} of this subscription. Numbers have no gaps: if one is missing, look into`,
      'the worklist, where every alert is.',
      NOBODY,
    ),
  }
}

const NOBODY = 'This mail names no one, on purpose. Nobody reads answers to it.'

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
