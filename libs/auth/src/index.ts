export { Access, type Policy } from './access.js';
export { AuthModule } from './auth.module.js';
export { checkAccess } from './check-access.js';
export { type Identity, may, Who } from './identity.js';
export { identify, sessionCookie } from './token.js';
