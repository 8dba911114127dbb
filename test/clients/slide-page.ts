/** A page with dicom-microscopy-viewer and dicomweb-client in it; `/slide.js` says what is shown in `#viewport`. */
export const slidePage = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<div id="viewport" style="width: 1000px; height: 700px"></div>
<script src="/dicomweb-client.js"></script>
<script src="/dicom-microscopy-viewer/dicomMicroscopyViewer.min.js"></script>
<script src="/slide.js" type="module"></script>
`;
