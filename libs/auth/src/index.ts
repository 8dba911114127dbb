export { Access, type Policy } from './access.js';
export { AuthModule } from './auth.module.js';
export { checkToken, sessionCookie } from './token.js';
