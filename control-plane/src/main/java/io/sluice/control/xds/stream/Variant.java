package io.sluice.control.xds.stream;

import io.sluice.api.envoy.core.ControlPlane;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.DiscoveryRequest;
import io.sluice.api.envoy.discovery.DiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.control.xds.stream.Variant.Ask.Wish;
import io.sluice.control.xds.translate.XdsResource;
import io.sluice.control.xds.translate.XdsType;
import io.sluice.mesh.Release;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * A variant of the protocol: how its messages read, and how they are written.
 *
 * @param tellsRemovals whether a response can say that something is no more
 * @param ask reads a request; nothing of it is checked yet
 * @param response writes a response
 * @param <Q> requests
 * @param <A> responses
 */
public record Variant<Q, A>(
    boolean tellsRemovals, Function<Q, Ask> ask, Function<Batch, A> response) {
  /** Each request names everything that is wanted; which the clients of gRPC speak. */
  public static final Variant<DiscoveryRequest, DiscoveryResponse> STATE_OF_THE_WORLD =
      new Variant<>(
          false,
          request ->
              new Ask(
                  request.getTypeUrl(),
                  request.hasNode() ? Optional.of(request.getNode()) : Optional.empty(),
                  request.getResponseNonce(),
                  request.hasErrorDetail()
                      ? Optional.of(request.getErrorDetail().getMessage())
                      : Optional.empty(),
                  new Wish.Exactly(request.getResourceNamesList())),
          batch ->
              DiscoveryResponse.newBuilder()
                  .setTypeUrl(batch.type().url())
                  .setNonce(batch.nonce())
                  .setVersionInfo(batch.version())
                  .setControlPlane(us())
                  .addAllResources(batch.resources().stream().map(XdsResource::content).toList())
                  .build());

  /** Each request says what has changed; also called delta. */
  public static final Variant<DeltaDiscoveryRequest, DeltaDiscoveryResponse> INCREMENTAL =
      new Variant<>(
          true,
          request ->
              new Ask(
                  request.getTypeUrl(),
                  request.hasNode() ? Optional.of(request.getNode()) : Optional.empty(),
                  request.getResponseNonce(),
                  request.hasErrorDetail()
                      ? Optional.of(request.getErrorDetail().getMessage())
                      : Optional.empty(),
                  new Wish.Change(
                      request.getResourceNamesSubscribeList(),
                      request.getResourceNamesUnsubscribeList(),
                      request.getInitialResourceVersionsMap())),
          Variant::difference);

  private static DeltaDiscoveryResponse difference(Batch batch) {
    DeltaDiscoveryResponse.Builder response =
        DeltaDiscoveryResponse.newBuilder()
            .setTypeUrl(batch.type().url())
            .setNonce(batch.nonce())
            .setSystemVersionInfo(batch.version())
            .addAllRemovedResources(batch.removed())
            .setControlPlane(us());
    for (XdsResource resource : batch.resources()) {
      response.addResources(
          Resource.newBuilder()
              .setName(resource.name())
              .setVersion(resource.version())
              .setResource(resource.content()));
    }
    return response.build();
  }

  /** For people who look at what a client has. */
  private static ControlPlane us() {
    return ControlPlane.newBuilder().setIdentifier("sluice " + Release.VERSION).build();
  }

  /**
   * One request of a client, of either variant of the protocol.
   *
   * @param typeUrl which resources it is about
   * @param node how the client describes itself
   * @param nonce of the response that it answers; empty where it answers none
   * @param refusal why the client could not use that response; empty where it did
   */
  record Ask(
      String typeUrl, Optional<Node> node, String nonce, Optional<String> refusal, Wish wish) {
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

  /**
   * One response, of either variant of the protocol.
   *
   * @param version of everything of the type that the client has when it has taken this
   * @param removed names of what is no more; not told where the variant has no word for it
   */
  record Batch(
      XdsType type,
      String nonce,
      String version,
      List<XdsResource> resources,
      List<String> removed) {}
}
