import { Controller, Options, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access } from '#libs/auth';
import { chooseRepresentation, dicomwebUrlOf } from '../http/request.js';
import { openApiDocument } from './openapi/document.js';
import { toWadl, wadlJson, wadlXml } from './wadl.js';

const representations = [
  { mediaType: 'application/vnd.sun.wadl+xml', isMultipart: false },
  { mediaType: 'application/json', isMultipart: false },
];

/** Retrieve Capabilities (PS3.18 8.9): what the DICOMweb services here can do. It tells nothing of what they hold. */
@Controller('dicom-web')
@Access('public')
export class CapabilitiesController {
  @Options()
  capabilities(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const { mediaType } = chooseRepresentation(request, representations);
    const dicomwebUrl = dicomwebUrlOf(request);
    const application = toWadl(openApiDocument(dicomwebUrl.replace(/\/dicom-web$/, '')), dicomwebUrl);
    const text = mediaType === 'application/json' ? wadlJson(application) : wadlXml(application);
    void reply
      .headers({ 'content-type': mediaType, vary: 'accept', allow: 'GET, HEAD, OPTIONS' })
      .send(Buffer.from(text));
  }
}
