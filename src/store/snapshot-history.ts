/** How long the database keeps the past: a backup reads one point in time, which must stay readable until the backup has ended (MongoDB manual, minSnapshotHistoryWindowInSeconds). */
import type { MongoClient } from 'mongodb'

export interface History {
  /** False where this user may not set it: then the backup has the window that there is. */
  readonly isHeld: boolean
  /** Puts back what was set before. */
  release(): Promise<void>
}

const HELD_SECONDS = 86_400
const PARAMETER = 'minSnapshotHistoryWindowInSeconds'

/** Has the database keep the past from now on. A backup that is killed leaves it so until the database starts again. Store I/O. */
export async function holdHistory(client: MongoClient): Promise<History> {
  const admin = client.db('admin')
  try {
    const { [PARAMETER]: before } = await admin.command({ getParameter: 1, [PARAMETER]: 1 })
    await admin.command({ setParameter: 1, [PARAMETER]: HELD_SECONDS })
    return {
      isHeld: true,
      async release() {
        // Whoever cut the connection finds the window as it is; the next start puts it right
        await admin.command({ setParameter: 1, [PARAMETER]: Number(before) }).catch(() => undefined)
      },
    }
  } catch {
    return { isHeld: false, release: async () => undefined }
  }
}
