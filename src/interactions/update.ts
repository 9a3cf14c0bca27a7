/** R4 update (http.html#update), also conditional by a query; never update-as-create. */
import { singleWrite } from './write/single-write.ts'

export const handleUpdate = singleWrite('PUT')
