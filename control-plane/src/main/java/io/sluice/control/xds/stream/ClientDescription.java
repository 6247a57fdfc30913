package io.sluice.control.xds.stream;

import io.sluice.api.envoy.core.Node;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.mesh.Printable;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a client says of itself. It proves nothing, and opens nothing.
 *
 * @param id for people
 * @param software likewise
 * @param certificateProvider of the bootstrap's {@code certificate_providers} the one with the
 *     client's certificate and the roots of the mesh; empty for none
 */
record ClientDescription(String id, String software, String certificateProvider) {
  /** In the metadata of the bootstrap's node. */
  private static final String CERTIFICATE_PROVIDER = "sluice.io/certificate-provider";

  private static final Pattern PROVIDER_FORM = Pattern.compile("[A-Za-z0-9._-]{0,64}");
  private static final int LONGEST = 128;

  /** The first request has it, in either variant. */
  static ClientDescription of(Optional<Node> node) {
    Node said =
        node.orElseThrow(() ->
            new RefusedException(
                RefusalReason.STREAM_MALFORMED,
                "the first request of a stream says no node",
                "set node in the client's bootstrap"));
    String provider =
        said.getMetadata().containsFields(CERTIFICATE_PROVIDER)
            ? said.getMetadata().getFieldsOrThrow(CERTIFICATE_PROVIDER).getStringValue()
            : "";
    if (!PROVIDER_FORM.matcher(provider).matches()) {
      throw new RefusedException(
          RefusalReason.STREAM_MALFORMED,
          "node.metadata." + CERTIFICATE_PROVIDER + " is no name of a certificate provider",
          "use at most 64 letters, digits, '.', '_' and '-'");
    }
    return new ClientDescription(
        Printable.text(said.getId(), LONGEST),
        Printable.text(said.getUserAgentName() + " " + said.getUserAgentVersion(), LONGEST).strip(),
        provider);
  }
}
