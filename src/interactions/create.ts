/** R4 create (http.html#create), also conditional (If-None-Exist). */
import { singleWrite } from './write/single-write.ts'

export const handleCreate = singleWrite('POST')
