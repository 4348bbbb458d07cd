/** Writes `.env.example` from the table of environment variables. */

import { writeFile } from 'node:fs/promises'
import { environmentExample } from '../src/server/variables.ts'

await writeFile(new URL('../.env.example', import.meta.url), environmentExample())
