// dicomweb-client ships no types: what of it we call, as its source has it (version 0.11).
declare module 'dicomweb-client' {
  interface MediaType {
    mediaType: string;
    transferSyntaxUID?: string;
  }
  interface InstanceOptions {
    studyInstanceUID: string;
    seriesInstanceUID: string;
    sopInstanceUID: string;
  }
  interface RenderingOptions {
    mediaTypes?: MediaType[];
    queryParams?: Record<string, string>;
  }
  export class DICOMwebClient {
    constructor(options: { url: string; headers?: Record<string, string>; singlepart?: string; verbose?: boolean });
    setDebug(isOn?: boolean): void;
    getDebug(): boolean;
    setVerbose(isOn: boolean): void;
    getVerbose(): boolean;
    buildInstanceWadoURIUrl(options: InstanceOptions & { contentType?: string; transferSyntax?: string }): string;
    searchForStudies(options?: { queryParams?: Record<string, string | number> }): Promise<unknown[]>;
    searchForSeries(options?: {
      studyInstanceUID?: string;
      queryParams?: Record<string, string | number>;
    }): Promise<unknown[]>;
    searchForInstances(options?: {
      studyInstanceUID?: string;
      seriesInstanceUID?: string;
      queryParams?: Record<string, string | number>;
    }): Promise<unknown[]>;
    retrieveStudyMetadata(options: { studyInstanceUID: string }): Promise<unknown[]>;
    retrieveSeriesMetadata(options: { studyInstanceUID: string; seriesInstanceUID: string }): Promise<unknown[]>;
    retrieveInstanceMetadata(options: InstanceOptions): Promise<unknown>;
    retrieveStudy(options: { studyInstanceUID: string; mediaTypes?: MediaType[] }): Promise<ArrayBuffer[]>;
    retrieveSeries(options: {
      studyInstanceUID: string;
      seriesInstanceUID: string;
      mediaTypes?: MediaType[];
    }): Promise<ArrayBuffer[]>;
    retrieveInstance(options: InstanceOptions & { mediaTypes?: MediaType[] }): Promise<ArrayBuffer>;
    retrieveInstanceFrames(
      options: InstanceOptions & { frameNumbers: (number | string)[]; mediaTypes?: MediaType[] },
    ): Promise<ArrayBuffer[]>;
    retrieveInstanceRendered(options: InstanceOptions & RenderingOptions): Promise<ArrayBuffer>;
    retrieveInstanceThumbnail(options: InstanceOptions & RenderingOptions): Promise<ArrayBuffer>;
    retrieveInstanceFramesRendered(
      options: InstanceOptions & RenderingOptions & { frameNumbers: (number | string)[] },
    ): Promise<ArrayBuffer>;
    retrieveInstanceFramesThumbnail(
      options: InstanceOptions & RenderingOptions & { frameNumbers: (number | string)[] },
    ): Promise<ArrayBuffer>;
    retrieveBulkData(options: {
      BulkDataURI: string;
      mediaTypes?: MediaType[];
      headers?: Record<string, string>;
    }): Promise<ArrayBuffer[]>;
    storeInstances(options: { datasets: ArrayBuffer[]; studyInstanceUID?: string }): Promise<unknown>;
  }
  export const api: { DICOMwebClient: typeof DICOMwebClient };
}
