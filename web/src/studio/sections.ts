// The pages of the studio, in the order of its navigation.

export const sections = [
  { section: "broadcast", path: "/studio", name: "Broadcast" },
  { section: "community", path: "/studio/community", name: "Community" },
  { section: "invites", path: "/studio/invites", name: "Invites" },
  { section: "integrations", path: "/studio/integrations", name: "Integrations" },
  { section: "activity", path: "/studio/activity", name: "Activity" },
  { section: "profile", path: "/studio/profile", name: "Profile" },
] as const;

export type Section = (typeof sections)[number]["section"];

export const section_at = (path: string): Section | null => sections.find((one) => one.path === path)?.section ?? null;
