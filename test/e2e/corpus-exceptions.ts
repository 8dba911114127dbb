interface Exception {
  why: string;
  /** Below the folder of the shared files; of `unstorable` folders, too. */
  files: string[];
}

/** Among the good and odd files: those that are no instances, with the Failure Reason they get, hexadecimal. */
export const unstorable: (Exception & { reason: string })[] = [
  {
    why: 'pictures and tables that lie beside the instances',
    reason: 'c000',
    files: ['charsets/derived/expected.tsv', 'cr-dx/nih-chestxray14-png'],
  },
  {
    why: 'parts of data sets: without a SOP Class UID nothing says what they are',
    reason: 'a900',
    files: [
      'charsets/pydicom/chrSQEncoding.dcm',
      'charsets/pydicom/chrSQEncoding1.dcm',
      'odd/dcm4che/no_preamble_dicm_in_data',
      'odd/fo-dicom/GH340.dcm',
      'odd/orthanc/Issue111.dcm',
      'odd/orthanc/Issue195.dcm',
      'odd/pydicom/UN_sequence.dcm',
      'odd/pydicom/empty_charset_LEI.dcm',
      'odd/pydicom/nested_priv_SQ.dcm',
      'odd/pydicom/no_meta_group_length.dcm',
      'odd/pydicom/priv_SQ.dcm',
    ],
  },
  {
    why: 'without a Study Instance UID: they belong to no study, palettes (PS3.3 A.58) by their nature',
    reason: 'a900',
    files: [
      'odd/fo-dicom/GH220.dcm',
      'odd/fo-dicom/GH223.dcm',
      'odd/fo-dicom/GH487.dcm',
      'odd/orthanc/Issue196.dcm',
      'odd/palettes',
      'odd/pydicom/JPEGLSNearLossless_08.dcm',
      'odd/pydicom/JPEGLSNearLossless_16.dcm',
      'odd/pydicom/SC_rgb_jls_lossy_line.dcm',
      'odd/pydicom/SC_rgb_jls_lossy_sample.dcm',
      'sm-pathology/single/multiframe.dcm',
      'transfer-syntaxes/htj2k/HTJ2KLossless_08_RGB.dcm',
      'transfer-syntaxes/htj2k/HTJ2K_08_RGB.dcm',
      'transfer-syntaxes/jpeg-ls/JLSL_08_07_0_1F.dcm',
      'transfer-syntaxes/jpeg-ls/JLSL_16_15_1_1F.dcm',
    ],
  },
  {
    why: 'without a SOP Instance UID, or with one of 67 characters',
    reason: 'a900',
    files: [
      'enhanced/jpeg2000-multiframe-multifragments.dcm',
      'transfer-syntaxes/jpeg-ls/JLSL_RGB_ILV0.dcm',
      'transfer-syntaxes/jpeg-ls/JLSL_RGB_ILV1.dcm',
      'transfer-syntaxes/jpeg-ls/JLSL_RGB_ILV2.dcm',
      'transfer-syntaxes/jpeg-ls/JLSN_RGB_ILV0.dcm',
    ],
  },
  {
    why: 'media directories: no composite instances (PS3.3 F)',
    reason: 'a900',
    files: [
      'odd/dicomdir/DICOMDIR',
      'odd/dicomdir/DICOMDIR-empty.dcm',
      'odd/dicomdir/DICOMDIR-nopatient',
      'odd/dicomdir/DICOMDIR-reordered',
    ],
  },
  { why: 'a media directory, and damaged', reason: 'c000', files: ['odd/dicomdir/DICOMDIR-nooffset'] },
  {
    why: 'nothing says in which transfer syntax it is',
    reason: 'a900',
    files: ['odd/pydicom/meta_missing_tsyntax.dcm'],
  },
  {
    why: 'a data set without File Meta Information (PS3.10 7.1): its transfer syntax would be a guess',
    reason: 'c000',
    files: ['odd/pydicom/no_meta.dcm'],
  },
];

/** Among the bad files: those that an archive can keep, because where each element ends is clear. */
export const storableThoughBad: Exception[] = [
  {
    why: 'values that are against their VR: kept as they are, for whoever can read them',
    files: [
      'bad/derived/bad-dates.dcm',
      'bad/derived/bad-numbers.dcm',
      'bad/derived/odd-value-lengths.dcm',
      'bad/derived/us-with-three-bytes.dcm',
      'bad/derived/odd-vr-zz.dcm',
      'bad/pydicom/badVR.dcm',
      'bad/dcmjs/invalid-vr-length-test.dcm',
      'bad/derived/uid-space-padded.dcm',
    ],
  },
  {
    why: 'texts that cannot be decoded, or that other programs would take for code: texts all the same',
    files: [
      'bad/derived/charset-2022-broken-escape.dcm',
      'bad/derived/charset-unknown.dcm',
      'bad/derived/charset-utf8-invalid-bytes.dcm',
      'bad/derived/patient-name-60kb.dcm',
      'bad/derived/patient-name-control-chars.dcm',
      'bad/derived/patient-name-html.dcm',
      'bad/derived/patient-name-sql.dcm',
      'bad/derived/patient-name-wildcards.dcm',
      'bad/orthanc/2017-06-27-XSSInjection.dcm',
    ],
  },
  {
    why: 'pixels other than the attributes say, or codestreams that no codec reads: refused when asked for as images',
    files: [
      'bad/derived/bits-allocated-13.dcm',
      'bad/derived/frames-2147483647.dcm',
      'bad/derived/frames-negative.dcm',
      'bad/derived/frames-text.dcm',
      'bad/derived/j2k-truncated.dcm',
      'bad/derived/jpeg-bot-beyond-eof.dcm',
      'bad/derived/jpeg-fewer-frames-than-declared.dcm',
      'bad/derived/jpeg-odd-fragment.dcm',
      'bad/derived/jpeg-replaced-by-text.dcm',
      'bad/derived/jpeg-syntax-native-pixels.dcm',
      'bad/derived/jpeg-truncated-codestream.dcm',
      'bad/derived/jpeg-zero-fragments.dcm',
      'bad/derived/native-syntax-undefined-length-pixels.dcm',
      'bad/derived/no-pixel-attributes.dcm',
      'bad/derived/pixeldata-too-long.dcm',
      'bad/derived/pixeldata-too-short.dcm',
      'bad/derived/rle-bad-header.dcm',
      'bad/derived/rows-cols-65535-16bit.dcm',
      'bad/derived/rows-zero.dcm',
      'bad/derived/samples-255.dcm',
      'bad/fo-dicom/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm',
      'bad/orthanc/2026-05-26-oob-monochrome-46341.dcm',
      'bad/orthanc/2026-05-26-oob-monochrome-65535.dcm',
      'bad/pydicom/JPEG2000-embedded-sequence-delimiter.dcm',
      'bad/ruby/invalid_compression.dcm',
    ],
  },
  {
    why: 'elements out of order, twice, private without a creator, or behind the data set: where each ends is clear',
    files: [
      'bad/derived/duplicate-tags.dcm',
      'bad/derived/private-without-creator.dcm',
      'bad/derived/tags-out-of-order.dcm',
      'bad/derived/trailing-garbage.dcm',
    ],
  },
  {
    why: 'File Meta Information that is wrong of its own length or of the instance: the data set says it right',
    files: [
      'bad/dcmjs/no-meta-length-test.dcm',
      'bad/derived/meta-group-length-wrong.dcm',
      'bad/derived/meta-instance-uid-mismatch.dcm',
      'bad/pynetdicom/CTImageStorage_bad_meta.dcm',
    ],
  },
  {
    why: 'a deflated data set of 64 MB: within what one part may be, and read without being held in memory',
    files: ['bad/derived/deflate-bomb-64mb.dcm'],
  },
  {
    why: 'sound in themselves; what is bad is what they say of each other',
    files: [
      'bad/derived/duplicate-instance-a.dcm',
      'bad/derived/duplicate-instance-b.dcm',
      'bad/derived/one-study-two-patients-a.dcm',
      'bad/derived/one-study-two-patients-b.dcm',
    ],
  },
  {
    why: 'sound: their names promise a UID to be missing that is there',
    files: ['bad/derived/empty-sop-instance-uid.dcm', 'bad/derived/no-study-uid.dcm'],
  },
  {
    why: 'the preamble is free (PS3.10 7.1): it may be the beginning of another file format',
    files: ['bad/polyglot/html-preamble.dcm', 'bad/polyglot/mz-preamble.dcm', 'bad/polyglot/tiff-preamble.dcm'],
  },
  {
    why: 'changed at random where only a value was hit',
    files: [
      'bad/fuzzed/00-len.dcm',
      'bad/fuzzed/03-len.dcm',
      'bad/fuzzed/04-len.dcm',
      'bad/fuzzed/06-hdr.dcm',
      'bad/fuzzed/07-flip.dcm',
      'bad/fuzzed/09-flip.dcm',
    ],
  },
];
