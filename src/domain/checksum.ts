/** A short word for a long text, to see whether it is another one. It protects nothing: an agent can only deceive itself. */

/** 64 bits in base 36: two sums over the text's code units. */
export function checksum(text: string): string {
  let forward = 0x811c9dc5;
  let turned = 0x2545f491;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    forward = Math.imul(forward ^ unit, 0x01000193);
    turned = Math.imul(((turned << 7) | (turned >>> 25)) + unit, 0x2c1b3c6d);
  }
  return (forward >>> 0).toString(36) + (turned >>> 0).toString(36).padStart(7, "0");
}
