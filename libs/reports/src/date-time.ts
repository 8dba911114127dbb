/** DA and TM in this machine's zone, as the clocks of the site's modalities show it. */
export function dateAndTime(when: Date): { date: string; time: string } {
  const two = (value: number) => String(value).padStart(2, '0');
  return {
    date: `${when.getFullYear()}${two(when.getMonth() + 1)}${two(when.getDate())}`,
    time: `${two(when.getHours())}${two(when.getMinutes())}${two(when.getSeconds())}`,
  };
}
