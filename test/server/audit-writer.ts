/** A process of its own that writes events to an audit file, on and on until it is killed: one message for each that was kept. */

import { fileAudit } from '../../src/server/audit.ts'
import { systemId, systemNow } from '../../src/server/ports.ts'
import { auditEvent } from './audit-event.ts'

const [path = '', name = '', count = ''] = process.argv.slice(2)
const audit = await fileAudit(path, {
  instance: systemId(),
  now: systemNow,
  warn: (message) => process.send?.({ warning: message }),
  deadline: 20_000,
})
process.send?.('open')

let next = 0
const last = Number(count)
await Promise.all(
  Array.from({ length: 16 }, async () => {
    while (next < last) {
      next += 1
      const correlationId = `${name}-${next}`
      await audit.record(auditEvent({ correlationId })).then(
        () => process.send?.({ kept: correlationId }),
        () => process.send?.({ lost: correlationId }),
      )
    }
  }),
)
await audit.close()
process.disconnect?.()
