import { Body, Controller, Delete, HttpCode, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Access, checkToken, sessionCookie } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { Inject } from '@nestjs/common';
import { HttpProblem } from './http-problem.js';

/** Lets a browser show its API token once: pages, pictures and event streams then carry it as a cookie. */
@Controller('api/session')
@Access('public')
export class SessionController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Post()
  @HttpCode(204)
  start(@Body() body: { token?: unknown }, @Res({ passthrough: true }) reply: FastifyReply): void {
    const token = body?.token;
    if (typeof token !== 'string' || !checkToken(this.config, token)) {
      throw new HttpProblem(401, 'Unknown token', 'This API token is not the one this suite was started with.');
    }
    void reply.header('set-cookie', `${sessionCookie}=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/`);
  }

  @Delete()
  @HttpCode(204)
  end(@Res({ passthrough: true }) reply: FastifyReply): void {
    void reply.header('set-cookie', `${sessionCookie}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0`);
  }
}
