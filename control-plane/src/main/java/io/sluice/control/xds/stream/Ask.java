package io.sluice.control.xds.stream;

import io.sluice.api.envoy.core.Node;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One request of a client, of either variant of the protocol.
 *
 * @param typeUrl which resources it is about
 * @param node how the client describes itself
 * @param nonce of the response that it answers; empty where it answers none
 * @param refusal why the client could not use that response; empty where it did
 */
record Ask(String typeUrl, Optional<Node> node, String nonce, Optional<String> refusal, Wish wish) {
  /** What the client wants to be told of. */
  sealed interface Wish {
    /** These and no others. */
    record Exactly(List<String> names) implements Wish {}

    /**
     * A change of what it wanted before.
     *
     * @param held versions that it has from an earlier stream
     */
    record Change(List<String> added, List<String> removed, Map<String, String> held)
        implements Wish {}
  }
}
