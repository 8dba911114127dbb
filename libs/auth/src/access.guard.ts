import { type CanActivate, type ExecutionContext, ForbiddenException, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { CONFIG, type Config } from '#libs/config';
import { accessMetadata, type Policy } from './access.js';
import { checkAccess } from './check-access.js';
import type { IdentifiedRequest } from './identity.js';

interface HttpRequest extends IdentifiedRequest {
  headers: Record<string, string | string[] | undefined>;
}

/**
 * The one guard, on the matched handler (never on paths, which routers and middleware read differently). Without an API
 * token the suite answers on loopback only, and there to everybody; with one, every route but the public ones asks for it
 * or for that of somebody whose role lets them.
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
    const request = context.switchToHttp().getRequest<HttpRequest>();
    request.identity = checkAccess(this.config, request.headers, policy);
    return true;
  }
}
