import type { S3Client } from '@aws-sdk/client-s3';

/** What an endpoint asks for, as its policies name it. */
const rights: Record<string, string> = {
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  CopyObject: 's3:GetObject and s3:PutObject',
  GetObject: 's3:GetObject',
  // To who may not list, what is not there is forbidden.
  HeadObject: 's3:GetObject and s3:ListBucket',
  DeleteObject: 's3:DeleteObject',
  ListObjectsV2: 's3:ListBucket',
  HeadBucket: 's3:ListBucket',
  RestoreObject: 's3:RestoreObject',
  GetBucketLifecycleConfiguration: 's3:GetLifecycleConfiguration',
};

/** To a HEAD there is a status and no name. Wrong keys, clocks and signatures have names of their own. */
const deniedNames = ['AccessDenied', 'Forbidden', '403', 'Unknown', 'UnknownError'];

export type S3Sender = Pick<S3Client, 'send'>;

/** A client whose errors say which right the keys lack. */
export function namingRights(client: S3Client): S3Sender {
  const send = async (command: object, options?: { abortSignal?: AbortSignal }): Promise<unknown> => {
    try {
      return await client.send(command as Parameters<S3Client['send']>[0], options);
    } catch (error) {
      const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
      if ($metadata?.httpStatusCode !== 403 || !deniedNames.includes(name)) throw error;
      const operation = command.constructor.name.replace(/Command$/, '');
      const denied = new Error(`${operation} is refused, which needs the right ${rights[operation] ?? operation}`);
      throw Object.assign(denied, { name: 'AccessDenied', cause: error, $metadata });
    }
  };
  return { send } as S3Sender;
}
