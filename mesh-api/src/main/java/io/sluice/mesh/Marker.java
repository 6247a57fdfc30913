package io.sluice.mesh;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.api.resources.v1.Snapshot;
import java.util.Optional;

/**
 * What ends a change on the stream of a node, in Envoy's incremental protocol. Resources of all
 * kinds come under {@link #TYPE_URL}, in as many responses of one nonce as they take; the last one
 * has the marker, and is answered once for all of them. A node says first which versions it holds,
 * in as many requests as that takes, of which the last one subscribes to {@link #EVERYTHING}.
 *
 * @param revision of the snapshot that the node has then, as the controller counts
 * @param complete whether the registry behind it was read completely
 * @param tellsOfEveryPod whether a pod that is missing is only not known yet
 */
public record Marker(long revision, boolean complete, boolean tellsOfEveryPod) {
  /** What a node subscribes to. Another format of resources would have another one. */
  public static final String TYPE_URL =
      "type.googleapis.com/" + Snapshot.getDescriptor().getFullName();

  /** Begins the type URLs of resources for nodes, in every format. */
  public static final String OF_NODES = "type.googleapis.com/sluice.resources.";

  /** The server decides what a node needs: there is nothing else to subscribe to. */
  public static final String EVERYTHING = "*";

  /** In the metadata of a node: how its pods are intercepted, and why so, for people. */
  public static final String INTERCEPTION = "sluice.io/interception";

  /**
   * Beside it, also in later messages that answer nothing: of which pods of the node something has
   * been wrong for long, by {@code namespace/name}, and what, for people.
   */
  public static final String TROUBLED = "sluice.io/troubled";

  /** Of them a node names so many. */
  public static final int MOST_TROUBLED = 64;

  /** Of what is wrong with one the controller keeps so many characters. */
  public static final int TROUBLE_CHARACTERS = 256;

  private static final String NAME = "snapshot";

  /** As the last resource of a change. */
  public Resource resource() {
    return Resource.newBuilder()
        .setName(NAME)
        .setResource(
            Any.newBuilder()
                .setTypeUrl(TYPE_URL)
                .setValue(
                    Snapshot.newBuilder()
                        .setRevision(revision)
                        .setComplete(complete)
                        .setTellsOfEveryPod(tellsOfEveryPod)
                        .build()
                        .toByteString()))
        .build();
  }

  /**
   * The marker at the end of {@code part}; empty where more parts follow.
   *
   * @throws InvalidProtocolBufferException where it makes no sense
   */
  public static Optional<Marker> in(DeltaDiscoveryResponse part)
      throws InvalidProtocolBufferException {
    int count = part.getResourcesCount();
    if (count == 0 || !part.getResources(count - 1).getName().equals(NAME)) {
      return Optional.empty();
    }
    Snapshot said = Snapshot.parseFrom(part.getResources(count - 1).getResource().getValue());
    return Optional.of(
        new Marker(said.getRevision(), said.getComplete(), said.getTellsOfEveryPod()));
  }
}
