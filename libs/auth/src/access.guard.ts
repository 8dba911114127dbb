import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Inject,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { CONFIG, type Config, isLoopback } from '#libs/config';
import { accessMetadata, type Policy } from './access.js';
import { checkToken, tokenOf } from './token.js';

interface HttpRequest {
  headers: Record<string, string | string[] | undefined>;
}

/**
 * The one guard, on the matched handler (never on paths, which routers and middleware read differently). Without an API
 * token the suite answers on loopback only, and there to everybody; with one, every route but the public ones asks for it.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const places = [context.getHandler(), context.getClass()];
    const policy = this.reflector.getAllAndOverride<Policy | undefined>(accessMetadata, places);
    if (policy === undefined) throw new ForbiddenException('This route declares no access policy.');
    if (policy === 'public') return true;
    const { headers } = context.switchToHttp().getRequest<HttpRequest>();
    if (this.config.apiToken === undefined) refuseForeignHost(headers['host']);
    if (checkToken(this.config, tokenOf(headers))) return true;
    throw new UnauthorizedException('A valid API token is needed: send it as "Authorization: Bearer <token>".');
  }
}

/**
 * Without a token, being on this machine is the permission. A web page from elsewhere that has its own name resolve to
 * 127.0.0.1 (DNS rebinding) is on this machine, too; its name in the Host header gives it away.
 */
function refuseForeignHost(host: string | string[] | undefined): void {
  const name = typeof host === 'string' ? host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') : '';
  if (isLoopback(name)) return;
  throw new ForbiddenException(
    'Without an API token only this machine is answered, by the names localhost and 127.0.0.1.',
  );
}
