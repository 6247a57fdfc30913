package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.api.resources.v1.UpstreamRouteLimit;
import io.sluice.mesh.UpstreamSetting.Limits;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RoundTripTest {
  private static final int MESHES = 500;

  @Test
  void everySnapshotComesBackAsItWas() {
    for (long seed = 0; seed < MESHES; seed++) {
      MeshSnapshot sent = new RandomObjects(seed).snapshot();
      List<MeshObject> received =
          sent.objects().map(ResourceEncoder::encode).map(ResourceDecoder::decode).toList();

      MeshSnapshot back = MeshSnapshot.of(sent.revision(), sent.isComplete(), received);

      assertThat(back.hasSameContentAs(sent)).as("seed %d", seed).isTrue();
      assertThat(back.revision()).isEqualTo(sent.revision());
    }
  }

  @Test
  void equalObjectsHaveEqualBytesWhateverTheirSetsAreOrderedBy() {
    for (long seed = 0; seed < MESHES; seed++) {
      RandomObjects random = new RandomObjects(seed);
      Workload workload = random.workload();
      Permission permission = random.permission();

      assertThat(ResourceEncoder.encode(reordered(workload, random)))
          .isEqualTo(ResourceEncoder.encode(workload));
      assertThat(
              ResourceEncoder.encode(
                  (new Permission(
                      permission.name(),
                      permission.destination(),
                      new LinkedHashSet<>(random.shuffled(List.copyOf(permission.sources()))),
                      new LinkedHashSet<>(
                          random.shuffled(List.copyOf(permission.foreignSources()))),
                      permission.ports(),
                      permission.access(),
                      permission.revokedOrNull()))))
          .isEqualTo(ResourceEncoder.encode(permission));
    }
  }

  private static Workload reordered(Workload from, RandomObjects random) {
    Map<String, String> labels = new LinkedHashMap<>();
    random
        .shuffled(List.copyOf(from.labels().entrySet()))
        .forEach(label -> labels.put(label.getKey(), label.getValue()));
    return new Workload(
        from.name(),
        from.identity(),
        from.addresses(),
        labels,
        from.enrolled(),
        from.netnsOrNull(),
        from.uidOrNull(),
        from.nodeNameOrNull(),
        from.hostNetwork(),
        from.interception(),
        new LinkedHashSet<>(random.shuffled(List.copyOf(from.probePorts()))),
        from.mtlsMode(),
        from.connections(),
        from.healthChecks(),
        from.zoneOrNull());
  }

  @Test
  void versionIsTheBeginOfTheHashOfTheContent() throws Exception {
    Resource encoded = ResourceEncoder.encode(new RandomObjects(1).service());

    byte[] hash =
        MessageDigest.getInstance("SHA-256").digest(encoded.getResource().getValue().toByteArray());

    assertThat(ByteString.copyFrom(hash, 0, 8)).isEqualTo(ByteString.fromHex(encoded.getVersion()));
  }

  @Test
  void unknownFieldsArePassedOver() {
    Workload workload = new RandomObjects(2).workload();
    Resource encoded = ResourceEncoder.encode(workload);
    ByteString later =
        encoded
            .getResource()
            .getValue()
            .concat(
                UnknownFieldSet.newBuilder()
                    .addField(
                        1_000,
                        UnknownFieldSet.Field.newBuilder()
                            .addLengthDelimited(ByteString.copyFromUtf8("of a later release"))
                            .build())
                    .build()
                    .toByteString());

    assertThat(ResourceDecoder.decode(Resources.with(encoded, later))).isEqualTo(workload);
  }

  @Test
  void whateverArrivesIsDecodedOrNamedAsUnusable() {
    Random random = new Random(7);
    int refused = 0;
    for (long seed = 0; seed < MESHES; seed++) {
      Resource good = ResourceEncoder.encode(new RandomObjects(seed).workload());
      byte[] bytes = good.getResource().getValue().toByteArray();
      bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      try {
        ResourceDecoder.decode(Resources.with(good, ByteString.copyFrom(bytes)));
      } catch (UnusableResourceException e) {
        refused++;
        assertThat(e).hasMessageContaining(good.getName());
      }
    }
    assertThat(refused).isPositive();
  }

  /** The release before knows ports as bytes, five protocols, and nothing of requests. */
  @Test
  void readersOfTheReleaseBeforeUnderstandNoWiderGrant() throws Exception {
    for (long seed = 0; seed < MESHES; seed++) {
      Permission permission = new RandomObjects(seed).permission();
      var told =
          io.sluice.api.resources.v1.Permission.parseFrom(ResourceEncoder.content(permission));

      boolean bytes = permission.access() instanceof Access.Bytes;
      assertThat(told.getSourcesCount()).isEqualTo(bytes ? permission.sources().size() : 0);
      assertThat(told.getForeignSourcesCount())
          .isEqualTo(bytes ? permission.foreignSources().size() : 0);
    }
  }

  @Test
  void protocolsAreToldInTheWordsOfTheReleaseBeforeToo() throws Exception {
    for (AppProtocol protocol : AppProtocol.values()) {
      Service service =
          new Service(
              new NamespacedName("shop", "store"),
              List.of(),
              List.of(new ServicePort("", 80, protocol, List.of())));
      var told = io.sluice.api.resources.v1.Service.parseFrom(ResourceEncoder.content(service));
      var former = told.toBuilder();
      former.getPortsBuilder(0).clearDeclared();
      Resource byFormer =
          Resources.with(ResourceEncoder.encode(service), former.build().toByteString());

      assertThat(told.getPorts(0).getProtocol())
          .isIn("http", "grpc", "tcp", "tcp-server-first", "mqtt", "tls");
      assertThat(((Service) ResourceDecoder.decode(byFormer)).ports().getFirst().protocol())
          .isEqualTo(
              told.getPorts(0).getProtocol().equals("http") ? AppProtocol.UNDECLARED : protocol);
    }
  }

  /** The release before refuses a route without a limit, and with it all that changed. */
  @Test
  void readersOfTheReleaseBeforeFindALimitInEveryRoute() throws Exception {
    for (long seed = 0; seed < MESHES; seed++) {
      UpstreamSetting setting = new RandomObjects(seed).upstream();
      var told =
          io.sluice.api.resources.v1.UpstreamSetting.parseFrom(ResourceEncoder.content(setting));

      assertThat(told.getLimits().getRoutesList()).allMatch(UpstreamRouteLimit::hasLimit);

      var former = told.toBuilder();
      former.getLimitsBuilder().clearUnlimitedRoutes();
      Resource byFormer =
          Resources.with(ResourceEncoder.encode(setting), former.build().toByteString());
      Limits limits = setting.limits();
      assertThat(((UpstreamSetting) ResourceDecoder.decode(byFormer)).limits())
          .isEqualTo(
              new Limits(
                  limits.connectionsOrNull(),
                  limits.bitsPerSecond(),
                  limits.requestsOrNull(),
                  limits.sharedConnectionsOrNull(),
                  limits.sharedRequestsOrNull(),
                  limits.routes().stream().filter(route -> route.limitOrNull() != null).toList()));
    }
  }
}
