// 1234 as people say it: "1.2K", in their own language.
export const compact = (count: number) => new Intl.NumberFormat(undefined, { notation: "compact" }).format(count);
