export { Access, type Policy } from './access.js';
export { AuthModule } from './auth.module.js';
export { checkAccess } from './check-access.js';
export { checkToken, sessionCookie } from './token.js';
