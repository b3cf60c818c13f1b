/**
 * The methods of the management interface (NIP-86): names, parameters, results.
 * Runs on the thread that owns the {@linkcode ManagementState}; no state of its own.
 *
 * @module
 */
import {
  ManagementError,
  type ManagementState,
  type Role,
  type Subject,
  type Verdict,
} from "./management_state.ts";
import * as parameters from "./parameters.ts";
import type { Parameter } from "./parameters.ts";

/** What the methods work on. */
export interface ManagementContext {
  readonly state: ManagementState;
  /** Who may call; nobody bans them. */
  readonly admins: ReadonlySet<string>;
  /** Numbers about the relay, for `stats`. */
  readonly stats: () => Readonly<Record<string, unknown>>;
  /** Methods that have no effect here and are not offered. */
  readonly disabled: ReadonlySet<string>;
}

/** One method, its parameters' values already read. */
export interface Method {
  readonly parameters: readonly Parameter<unknown>[];
  run(context: ManagementContext, values: readonly unknown[]): unknown;
}

/** Binds the types of parameters and values, which the table below forgets. */
function method<const Values extends readonly unknown[]>(
  kinds: { readonly [At in keyof Values]: Parameter<Values[At]> },
  run: (context: ManagementContext, values: Values) => unknown,
): Method {
  return { parameters: kinds, run: (context, values) => run(context, values as Values) };
}

const { pubkey, eventId, kind, address, reason } = parameters;
const roleFields = [
  parameters.roleId,
  parameters.roleLabel,
  parameters.roleDescription,
  parameters.roleColor,
  parameters.roleOrder,
] as const;
type RoleValues = [string, string, string, number | null, number | null];

/** Every method by its name. */
export const METHODS: Readonly<Record<string, Method>> = {
  supportedmethods: method(
    [],
    ({ disabled }) =>
      Object.keys(METHODS).filter((name) => name !== "supportedmethods" && !disabled.has(name)),
  ),

  banpubkey: method([pubkey, reason], ({ state, admins }, [key, why]) => {
    if (admins.has(key)) throw new ManagementError(`Cannot ban pubkey "${key}": it manages this relay`);
    state.decide("pubkey", key, "banned", why);
    return true;
  }),
  unbanpubkey: withdrawal("pubkey", pubkey, "banned"),
  listbannedpubkeys: listing("pubkey", "banned", "pubkey"),
  allowpubkey: decision("pubkey", pubkey, "allowed"),
  unallowpubkey: withdrawal("pubkey", pubkey, "allowed"),
  listallowedpubkeys: listing("pubkey", "allowed", "pubkey"),

  createrole: method<RoleValues>(roleFields, ({ state }, values) => {
    const role = roleOf(values);
    if (state.role(role.id) !== null) {
      throw new ManagementError(`Cannot create role "${role.id}": it exists already`);
    }
    state.putRole(role);
    return true;
  }),
  editrole: method<RoleValues>(roleFields, ({ state }, values) => {
    const role = roleOf(values);
    requireRole(state, "edit", role.id);
    state.putRole(role);
    return true;
  }),
  deleterole: method([parameters.roleId], ({ state }, [id]) => {
    requireRole(state, "delete", id);
    return state.deleteRole(id);
  }),
  assignrole: method([pubkey, parameters.roleId], ({ state }, [key, id]) => {
    requireRole(state, "assign", id);
    state.assign(key, id, true);
    return true;
  }),
  unassignrole: method([pubkey, parameters.roleId], ({ state }, [key, id]) => {
    requireRole(state, "unassign", id);
    state.assign(key, id, false);
    return true;
  }),
  listroles: method(
    [],
    ({ state }) => state.roles().map((role) => ({ ...role, members: state.members(role.id) })),
  ),

  listeventsneedingmoderation: listing("event", "pending", "id"),
  allowevent: decision("event", eventId, "allowed"),
  banevent: decision("event", eventId, "banned"),
  listbannedevents: listing("event", "banned", "id"),

  changerelayname: method([parameters.relayName], ({ state }, [name]) => {
    state.setText("name", name || null);
    return true;
  }),
  changerelaydescription: method([parameters.relayDescription], ({ state }, [description]) => {
    state.setText("description", description || null);
    return true;
  }),
  changerelayicon: method([parameters.relayIcon], ({ state }, [icon]) => {
    state.setText("icon", icon || null);
    return true;
  }),

  allowkind: method([kind], ({ state }, [number]) => {
    // A list of allowed kinds excludes all others, and who takes a ban back does not mean that.
    if (!state.withdraw("kind", number, "banned")) state.decide("kind", number, "allowed", "");
    return true;
  }),
  disallowkind: method([kind], ({ state }, [number]) => {
    if (state.count("kind", "allowed") === 1 && state.verdict("kind", number) === "allowed") {
      throw new ManagementError(
        `Cannot disallow kind "${number}": it is the last one allowed, and without any every kind is`,
      );
    }
    state.decide("kind", number, "banned", "");
    return true;
  }),
  listallowedkinds: method([], ({ state }) => kindNumbers(state, "allowed")),
  listdisallowedkinds: method([], ({ state }) => kindNumbers(state, "banned")),

  blockip: decision("ip", address, "banned"),
  unblockip: withdrawal("ip", address, "banned"),
  listblockedips: listing("ip", "banned", "ip"),

  stats: method([], ({ stats }) => stats()),
};

function decision(subject: Subject, key: Parameter<string>, verdict: "allowed" | "banned"): Method {
  return method([key, reason], ({ state }, [value, why]) => {
    state.decide(subject, value, verdict, why);
    return true;
  });
}

/** True whether or not there was something to withdraw: what is asked for holds afterwards (NIP-86: always true). */
function withdrawal(subject: Subject, key: Parameter<string>, verdict: Verdict): Method {
  return method([key, reason], ({ state }, [value]) => {
    state.withdraw(subject, value, verdict);
    return true;
  });
}

function listing(subject: Subject, verdict: Verdict, keyName: string): Method {
  return method(
    [],
    ({ state }) =>
      state.entries(subject, verdict).map(({ key, reason }) =>
        reason === "" ? { [keyName]: key } : { [keyName]: key, reason }
      ),
  );
}

function kindNumbers(state: ManagementState, verdict: Verdict): number[] {
  return state.entries("kind", verdict).map(({ key }) => Number(key)).sort((a, b) => a - b);
}

function roleOf([id, label, description, color, order]: RoleValues): Role {
  return { id, label, description, color, order };
}

function requireRole(state: ManagementState, verb: string, id: string): void {
  if (state.role(id) === null) throw new ManagementError(`Cannot ${verb} role "${id}": there is none`);
}
