import { serveWorker } from '#libs/workers';
import { openPackage, type PackageFacts, type PackageRequest } from './open-package.js';

/** The child process that looks into uploaded archives. */
serveWorker<PackageRequest, PackageFacts>(openPackage);
