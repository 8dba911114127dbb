import { useState } from 'react';

interface ThumbnailProps {
  url: string;
  /** Shown where there is no picture. */
  fallback: string;
}

/** A small picture, loaded when it comes into view. What has no picture (a report, say) shows its kind instead. */
export function Thumbnail({ url, fallback }: ThumbnailProps) {
  const [failedUrl, setFailedUrl] = useState<string>();
  return (
    <span className="thumbnail">
      {failedUrl === url ? (
        <span className="thumbnail-none">{fallback}</span>
      ) : (
        <img src={url} alt="" loading="lazy" decoding="async" draggable={false} onError={() => setFailedUrl(url)} />
      )}
    </span>
  );
}
