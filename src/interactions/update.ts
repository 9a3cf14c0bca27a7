/** R4 update (http.html#update), also conditional by a query; never update-as-create. */
import { isSite, updateSite } from './directory/update-site.ts'
import type { Handler } from './interaction.ts'
import { singleWrite } from './write/single-write.ts'

const updateOwned = singleWrite('PUT')

/** Sites of the directory belong to no authority: they are the administrator's alone. */
export const handleUpdate: Handler = async (request, caller, context) => {
  const isTheirs = caller?.kind === 'administrator' && request.type === 'Organization'
  if (isTheirs && (await isSite(request, context))) return updateSite({ request, caller, context })
  return updateOwned(request, caller, context)
}
