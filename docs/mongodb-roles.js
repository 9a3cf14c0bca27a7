// Makes, or brings up to date, the roles of mongodb-roles.json beside this file, in the database `admin`. By an administrator, with mongosh:
//
//   CPIS_DATABASE=cpis mongosh "mongodb://…/admin" docs/mongodb-roles.js
//
// Then one user for each, for example the server's:
//
//   db.getSiblingDB('admin').createUser({ user: 'cpis-server', pwd: passwordPrompt(), roles: ['cpisServer'] })
//
// The first start of a version needs cpisMigrator too; docs/operating.md says when each of the others is granted.
const { readFileSync } = require('node:fs')
const { join } = require('node:path')

const database = process.env.CPIS_DATABASE || 'cpis'
const admin = db.getSiblingDB('admin')
const { roles } = JSON.parse(readFileSync(join(__dirname, 'mongodb-roles.json'), 'utf8'))

for (const { role, privileges } of roles) {
  const content = {
    privileges: privileges.flatMap(({ collections, actions }) =>
      collections.map((collection) => ({ resource: { db: database, collection }, actions })),
    ),
    roles: [],
  }
  const isThere = admin.getRole(role) !== null
  admin.runCommand({ [isThere ? 'updateRole' : 'createRole']: role, ...content })
  print(`${role}: ${isThere ? 'brought up to date' : 'made'}`)
}
