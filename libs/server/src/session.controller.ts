import { Body, Controller, Delete, Get, HttpCode, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Access, identify, type Identity, sessionCookie, Who } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { Inject } from '@nestjs/common';
import { HttpProblem } from './http-problem.js';

/** Lets a browser show its API token once: pages, pictures and event streams then carry it as a cookie. */
@Controller('api/session')
@Access('public')
export class SessionController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** Who this is. Where nobody has a token of their own (`hasAccounts` false), readers are who they say they are. */
  @Get()
  @Access('read')
  who(@Who() { name, roles }: Identity): { name: string | null; roles: readonly string[]; hasAccounts: boolean } {
    return { name: name ?? null, roles, hasAccounts: this.config.accounts.length > 0 };
  }

  @Post()
  @HttpCode(204)
  start(@Body() body: { token?: unknown }, @Res({ passthrough: true }) reply: FastifyReply): void {
    const token = body?.token;
    if (typeof token !== 'string' || identify(this.config, token) === undefined) {
      throw new HttpProblem(401, 'Unknown token', 'This suite knows nobody with this API token.');
    }
    void reply.header('set-cookie', `${sessionCookie}=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/`);
  }

  @Delete()
  @HttpCode(204)
  end(@Res({ passthrough: true }) reply: FastifyReply): void {
    void reply.header('set-cookie', `${sessionCookie}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0`);
  }
}
