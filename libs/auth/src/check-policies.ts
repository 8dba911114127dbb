import { RequestMethod } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { accessMetadata } from './access.js';

/** Refuses the start when a route declares no policy: deny by default, seen at boot rather than in production. */
@Injectable()
export class CheckPolicies implements OnApplicationBootstrap {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  onApplicationBootstrap(): void {
    const open: string[] = [];
    for (const { metatype } of this.discovery.getControllers()) {
      if (typeof metatype !== 'function') continue;
      const prototype = metatype.prototype as Record<string, object>;
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        const handler = prototype[method]!;
        const verb = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
        if (verb === undefined) continue;
        if (!Reflect.hasMetadata(accessMetadata, handler) && !Reflect.hasMetadata(accessMetadata, metatype)) {
          open.push(`${metatype.name}.${method}`);
        }
      }
    }
    if (open.length > 0) throw new Error(`Routes without an access policy: ${open.join(', ')}. Add @Access(...).`);
  }
}
