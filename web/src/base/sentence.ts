// Servers say why not in a phrase; people are told in a sentence.
export const sentence_of = (words: string) => `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}`;
