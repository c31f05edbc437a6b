import { flag, oneOf } from "./switch-kinds.ts";

/** Who is in an organization or project, and as what. The README says where each default comes from. */
export const memberSwitches = {
  /** As what the creator of an organization or project is in it. */
  creatorIs: oneOf(["OWNER", "READER", "nobody"]),
  /** What ping answers as `user_email`: as the members show it, in lower case, or an address that no member has. */
  pingEmail: oneOf(["registered", "lower-case", "another"]),
  /** An e-mail in another case names the same person. */
  emailsIgnoreCase: flag(true),
  /** A member can be named by `username` instead of `email`. */
  membersByUsername: flag(true),
  /** The members embedded in organizations and projects: all of them whole, or with less. */
  embeddedMembers: oneOf(["whole", "without-email", "owners-only", "absent"]),
  /** Lists of members carry the e-mail too. */
  memberListsShowEmail: flag(false),
  /** `reader` and `Owner` are roles too. */
  rolesIgnoreCase: flag(false),
  /** What adding an unregistered e-mail to an organization answers. */
  unknownOrganizationMember: oneOf(["errors-400", "message-400", "message-404", "invite"]),
  /** What adding an unregistered e-mail to a project answers. */
  unknownProjectMember: oneOf(["message-404", "message-400", "errors-400"]),
  /** Adding somebody who is a member already: refused with 400, or done again with the new role. */
  alreadyMember: oneOf(["refuse", "accept"]),
  /** Removing somebody who is no member. */
  nonMemberRemoved: oneOf(["404", "200"]),
  /** Changing the role of somebody who is no member: a 404, or he is added. */
  nonMemberChanged: oneOf(["404", "added"]),
  /** Where the e-mail of a DELETE may stand: body or query; or as documented, organizations body, projects query. */
  memberDeletedBy: oneOf(["either", "documented"]),
  /** The body of the 400 for a wrong e-mail or role of a project's member. */
  projectMemberRefusal: oneOf(["errors", "fields", "message"]),
  /** Only members of the organization can be added to its projects. */
  projectMemberMustBeInOrganization: flag(false),
  /** Who is removed from an organization leaves its projects too. */
  organizationMemberRemovalCascades: flag(true),
  /** The last OWNER cannot be removed or demoted. */
  lastOwnerKept: flag(true),
  /** An OWNER of the organization is an OWNER of every project in it. */
  ownerReadsOrgProjects: flag(true),
  /** A READER of the organization reads every project in it, not only those he was added to. */
  readerReadsOrgProjects: flag(false),
};
