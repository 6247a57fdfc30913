package io.sluice.control.authority.builtin;

import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import java.security.KeyPair;
import java.util.List;
import java.util.Optional;

/**
 * Where issuers are kept with their keys. What was written is there after a power cut; every
 * failure is an {@link io.sluice.control.authority.AuthorityException}.
 *
 * <p>Not for several threads at once; keys that it hands out sign for any thread.
 */
public interface IssuerStore {
  /** A new pair, for an issuer that will be written here. */
  KeyPair newKey(SigningKey kind);

  /** Ids of all roots that were written, in use or not. */
  List<String> rootIds();

  /** The issuer at the top of what we hold: a root, or an intermediate that was brought along. */
  Issuer root(String id);

  /** Keeps it under its id. */
  void writeRoot(Issuer root);

  /** The newest intermediate below a root; empty where none was made yet. */
  Optional<Issuer> intermediate(String rootId);

  /** Replaces the intermediate below a root. */
  void writeIntermediate(String rootId, Issuer intermediate);

  /** Removes the keys of a root that nobody trusts any more, where we made them. */
  void forget(String rootId);

  /** Why keys cannot sign now, for people; empty where nothing is known against it. */
  Optional<String> outage();
}
