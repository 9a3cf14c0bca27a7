/** R4 delete (http.html#delete), also conditional; 204, and 410 on reading afterwards. */
import { singleWrite } from './write/single-write.ts'

export const handleDelete = singleWrite('DELETE')
