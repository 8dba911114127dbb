/** What a page of a PDF made by {@link makePdf} is like. */
export interface PdfPage {
  /** Points of 1/72 inch. */
  width: number;
  height: number;
  /** Operators, e.g. `1 0 0 rg 0 0 100 100 re f`. */
  content: string;
}

/** @param more objects beside those of the pages, each as it stands between `obj` and `endobj`, from number 100 on */
export interface PdfExtras {
  more?: string[];
  /** Entries of the pages' resources, e.g. `/XObject << /F 100 0 R >>`. */
  resources?: string;
  /** Entries of the trailer. */
  trailer?: string;
}

/** A PDF as ISO 32000-1 has it: a catalogue, pages with a content stream each, a table of where they are. */
export function makePdf(pages: PdfPage[], { more = [], resources = '', trailer = '' }: PdfExtras = {}): Buffer {
  const objects = new Map<number, string>();
  objects.set(1, '<< /Type /Catalog /Pages 2 0 R >>');
  const kids = pages.map((_, at) => `${10 + 2 * at} 0 R`).join(' ');
  objects.set(2, `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`);
  objects.set(3, '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
  pages.forEach(({ width, height, content }, at) => {
    const page = 10 + 2 * at;
    objects.set(
      page,
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents ${page + 1} 0 R ` +
        `/Resources << /Font << /Helvetica 3 0 R >> ${resources} >> >>`,
    );
    objects.set(page + 1, pdfStream('', content));
  });
  more.forEach((object, at) => objects.set(100 + at, object));

  let text = '%PDF-1.7\n';
  const places: string[] = [];
  for (const [number, object] of objects) {
    places.push(`${number} 1\n${String(text.length).padStart(10, '0')} 00000 n \n`);
    text += `${number} 0 obj\n${object}\nendobj\n`;
  }
  const table = `xref\n0 1\n0000000000 65535 f \n${places.join('')}`;
  const end = `trailer\n<< /Size ${100 + more.length} /Root 1 0 R ${trailer} >>\nstartxref\n${text.length}\n%%EOF\n`;
  return Buffer.from(text + table + end, 'latin1');
}

/** @param content one byte a character */
export function pdfStream(entries: string, content: string): string {
  return `<< /Length ${content.length} ${entries} >>\nstream\n${content}\nendstream`;
}
