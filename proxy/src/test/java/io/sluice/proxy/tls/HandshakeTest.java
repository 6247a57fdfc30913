package io.sluice.proxy.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.util.ReferenceCountUtil;
import io.sluice.attack.Attack;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.Peers;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class HandshakeTest {
  private static final TrustDomain DOMAIN = TrustDomain.CLUSTER_LOCAL;
  private static final TrustDomain OTHER = new TrustDomain("elsewhere.example");
  private static final SpiffeId STORE = new SpiffeId(DOMAIN, "shop", "store");
  private static final SpiffeId BUYER = new SpiffeId(DOMAIN, "shop", "buyer");
  private static final TestAuthority AUTHORITY = new TestAuthority(DOMAIN);
  private static final TestAuthority STRANGER = new TestAuthority(DOMAIN);
  private static final TestAuthority FOREIGN = new TestAuthority(OTHER);
  private static final WorkloadCredentials STORES = AUTHORITY.issue(STORE);
  private static final WorkloadCredentials BUYERS = AUTHORITY.issue(BUYER);

  private static TlsIdentity end(TlsStack stack, WorkloadCredentials credentials) {
    return end(stack, credentials, TlsPolicy.OPEN);
  }

  private static TlsIdentity end(
      TlsStack stack, WorkloadCredentials credentials, TlsPolicy policy) {
    assumeThat(stack.isAvailable()).isTrue();
    return new TlsIdentity(stack, () -> credentials, policy, TlsSettings.DEFAULTS);
  }

  private static Stream<Arguments> pairsOfStacks() {
    return Stream.of(TlsStack.values())
        .flatMap(server ->
            Stream.of(TlsStack.values())
                .flatMap(client ->
                    Stream.of(Peers.V4, Peers.V6)
                        .map(family -> arguments(server, client, family))));
  }

  @ParameterizedTest
  @MethodSource("pairsOfStacks")
  void provesBothEndsToEachOther(TlsStack serverStack, TlsStack clientStack, InetAddress family)
      throws Exception {
    try (TlsIdentity store = end(serverStack, STORES);
        TlsIdentity buyer = end(clientStack, BUYERS);
        TlsPair pair = new TlsPair(family, store)) {
      var client = pair.connect(buyer, Set.of(STORE)).outcome.get(10, TimeUnit.SECONDS);
      var server = pair.server.outcome.get(10, TimeUnit.SECONDS);

      assertThat(client.cause()).isNull();
      assertThat(server.cause()).isNull();
      assertThat(client.peer()).extracting(VerifiedPeer::identity).isEqualTo(STORE);
      assertThat(server.peer()).extracting(VerifiedPeer::identity).isEqualTo(BUYER);
      assertThat(store.handshakes.size() + buyer.handshakes.size()).isZero();
    }
    assertThat(LeakCounter.REPORTS).isEmpty();
  }

  /** Its peer reads nothing, so the last words wait; it goes on sending meanwhile. */
  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void whatComesWhileItIsBeingClosedIsLetGo(TlsStack stack) throws Exception {
    try (TlsIdentity store = end(stack, STORES);
        TlsIdentity buyer = end(stack, BUYERS);
        TlsPair pair = new TlsPair(store)) {
      TlsPair.Verdict client = pair.connect(buyer, Set.of(STORE));
      assertThat(client.outcome.get(10, TimeUnit.SECONDS).peer()).isNotNull();
      Channel channel = Objects.requireNonNull(client.channel);
      UnwrittenWords words = new UnwrittenWords();
      List<ByteBuf> late = new ArrayList<>();
      Callable<List<ByteBuf>> closing =
          () -> {
            channel.pipeline().addFirst(words);
            channel.close();
            for (int i = 0; i < 64; i++) {
              late.add(channel.alloc().directBuffer().writeBytes(record()));
              channel.pipeline().fireChannelRead(late.getLast());
            }
            return late.stream().filter(record -> record.refCnt() > 0).toList();
          };

      assertThat(channel.eventLoop().submit(closing).get(10, TimeUnit.SECONDS)).isEmpty();
      assertThat(words.held).as("the last words").isNotEmpty();
      assertThat(channel.isOpen()).isTrue();
      words.held.forEach(ReferenceCountUtil::release);
    }
    Attack.tried("bytes of a peer whose connection is being closed, and that reads nothing")
        .refusedBy("the proxy's TLS, which lets them go")
        .countedAs("sluice_hbone_connections_closed_total{reason}, once");
  }

  /** As long as records get (RFC 8446 §5.1). */
  private static byte[] record() {
    byte[] record = new byte[5 + 16_384];
    System.arraycopy(new byte[] {23, 3, 3, 64, 0}, 0, record, 0, 5);
    return record;
  }

  /** A socket that takes nothing any more. */
  private static final class UnwrittenWords extends ChannelOutboundHandlerAdapter {
    private final List<Object> held = new ArrayList<>();

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
      held.add(message);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void refusesAServerThatIsNotTheOneExpected(TlsStack stack) throws Exception {
    try (TlsIdentity store = end(stack, STORES);
        TlsIdentity buyer = end(stack, BUYERS);
        TlsPair pair = new TlsPair(store)) {
      var client = pair.connect(buyer, Set.of(BUYER)).outcome.get(10, TimeUnit.SECONDS);
      var server = pair.server.outcome.get(10, TimeUnit.SECONDS);

      assertThat(client.reason()).isEqualTo(TlsReason.WRONG_IDENTITY);
      assertThat(server.reason()).isEqualTo(TlsReason.REFUSED_BY_PEER);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void refusesWhoIsOnTheDenyListByIdentityOrSerial(TlsStack stack) throws Exception {
    var serial = BUYERS.chain().getFirst().getSerialNumber();
    for (TlsPolicy list :
        List.<TlsPolicy>of(
            peer -> peer.identity().equals(BUYER), peer -> peer.serial().equals(serial))) {
      try (TlsIdentity store = end(stack, STORES, list);
          TlsIdentity buyer = end(stack, BUYERS);
          TlsPair pair = new TlsPair(store)) {
        pair.connect(buyer, Set.of(STORE));

        assertThat(pair.server.outcome.get(10, TimeUnit.SECONDS).reason())
            .isEqualTo(TlsReason.DENIED);
      }
    }
  }

  private static Stream<Arguments> badChains() {
    Instant now = Instant.now();
    TestAuthority.Leaf good = TestAuthority.Leaf.of(BUYER);
    Duration hour = Duration.ofHours(1);
    Map<TestAuthority.Leaf, TlsReason> leaves =
        Map.of(
            good.valid(now.minus(hour.multipliedBy(2)), now.minus(hour)),
            TlsReason.EXPIRED,
            good.valid(now.plus(hour), now.plus(hour.multipliedBy(2))),
            TlsReason.NOT_YET_VALID,
            good.withUris(),
            TlsReason.NOT_AN_SVID,
            good.withUris(BUYER.toString(), STORE.toString()),
            TlsReason.NOT_AN_SVID,
            good.withUris("https://example.com/"),
            TlsReason.NOT_AN_SVID,
            good.asCa(),
            TlsReason.NOT_AN_SVID,
            good.only(KeyPurposeId.id_kp_serverAuth),
            TlsReason.WRONG_PURPOSE);
    List<Arguments> cases = new ArrayList<>();
    for (TlsStack stack : TlsStack.values()) {
      leaves.forEach(
          (leaf, reason) -> cases.add(arguments(stack, reason, AUTHORITY.present(leaf))));
      cases.add(arguments(stack, TlsReason.UNTRUSTED, STRANGER.present(good)));
      cases.add(
          arguments(
              stack,
              TlsReason.UNTRUSTED,
              FOREIGN.present(good))); // our domain's name, another's root
      cases.add(
          arguments(
              stack,
              TlsReason.FOREIGN_TRUST_DOMAIN,
              FOREIGN.present(TestAuthority.Leaf.of(new SpiffeId(OTHER, "shop", "buyer")))));
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("badChains")
  void refusesClientsEachWithItsReason(TlsStack stack, TlsReason reason, PresentedChain chain)
      throws Exception {
    try (TlsIdentity store = end(stack, STORES);
        TlsPair pair = new TlsPair(store)) {
      foreignClient(pair, chain, "TLSv1.3", "h2");

      assertThat(pair.server.outcome.get(10, TimeUnit.SECONDS).reason()).isEqualTo(reason);
    }
  }

  /** With the roots of two meshes, each vouches for its own, and neither for the other's. */
  private static final WorkloadCredentials OF_TWO_MESHES =
      AUTHORITY.issue(
          STORE,
          new TrustBundles(
              Map.of(DOMAIN, List.of(AUTHORITY.root), OTHER, List.of(FOREIGN.root)),
              Set.of(DOMAIN)));

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void theRootOfOneDomainNeverVouchesForAnother(TlsStack stack) throws Exception {
    SpiffeId theirs = new SpiffeId(OTHER, "shop", "buyer");
    try (TlsIdentity store = end(stack, OF_TWO_MESHES)) {
      for (PresentedChain forged :
          List.of(
              FOREIGN.present(TestAuthority.Leaf.of(BUYER)),
              AUTHORITY.present(TestAuthority.Leaf.of(theirs)))) {
        try (TlsPair pair = new TlsPair(store)) {
          foreignClient(pair, forged, "TLSv1.3", "h2");
          assertThat(pair.server.outcome.get(10, TimeUnit.SECONDS).reason())
              .isEqualTo(TlsReason.UNTRUSTED);
        }
      }
      try (TlsPair pair = new TlsPair(store)) {
        foreignClient(pair, FOREIGN.present(TestAuthority.Leaf.of(theirs)), "TLSv1.3", "h2");
        VerifiedPeer peer =
            Objects.requireNonNull(pair.server.outcome.get(10, TimeUnit.SECONDS).peer());
        assertThat(peer.identity()).isEqualTo(theirs);
        assertThat(peer.isForeign()).as("no workload of this mesh").isTrue();
        assertThat(peer.in(MeshSnapshot.EMPTY)).isEqualTo(theirs);
      }
    }
    Attack.tried("a certificate of one trust domain, by the root of another")
        .refusedBy("the proxy's handshake: untrusted")
        .countedAs("the handshake's reason");
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void ofTwoOtherMeshesNeitherVouchesForTheOtherNorForTwoNamesAtOnce(TlsStack stack)
      throws Exception {
    TrustDomain third = new TrustDomain("third.example");
    TestAuthority another = new TestAuthority(third);
    SpiffeId theirs = BUYER.in(OTHER);
    WorkloadCredentials ofThree =
        AUTHORITY.issue(
            STORE,
            new TrustBundles(
                Map.of(
                    DOMAIN, List.of(AUTHORITY.root),
                    OTHER, List.of(FOREIGN.root),
                    third, List.of(another.root)),
                Set.of(DOMAIN)));
    Map<PresentedChain, TlsReason> forged =
        Map.of(
            another.present(TestAuthority.Leaf.of(theirs)), TlsReason.UNTRUSTED,
            FOREIGN.present(TestAuthority.Leaf.of(BUYER.in(third))), TlsReason.UNTRUSTED,
            FOREIGN.present(
                    TestAuthority.Leaf.of(theirs).withUris(theirs.toString(), BUYER.toString())),
                TlsReason.NOT_AN_SVID);
    try (TlsIdentity store = end(stack, ofThree)) {
      for (var each : forged.entrySet()) {
        try (TlsPair pair = new TlsPair(store)) {
          foreignClient(pair, each.getKey(), "TLSv1.3", "h2");
          assertThat(pair.server.outcome.get(10, TimeUnit.SECONDS).reason())
              .isEqualTo(each.getValue());
        }
      }
    }
    Attack.tried("a certificate of one other mesh, by the root of a second; one with two names")
        .refusedBy("the proxy's handshake: untrusted, not_an_svid")
        .countedAs("the handshake's reason");
  }

  /** The snapshot may name a workload in that domain before the trust bundle says it is ours. */
  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void nobodyOfAnotherMeshAnswersForAWorkloadOfThisOne(TlsStack stack) throws Exception {
    SpiffeId asked = STORE.in(OTHER);
    WorkloadCredentials buyers =
        AUTHORITY.issue(
            BUYER,
            new TrustBundles(
                Map.of(DOMAIN, List.of(AUTHORITY.root), OTHER, List.of(FOREIGN.root)),
                Set.of(DOMAIN)));
    WorkloadCredentials poser =
        FOREIGN.issue(
            asked,
            new TrustBundles(
                Map.of(DOMAIN, List.of(AUTHORITY.root), OTHER, List.of(FOREIGN.root)),
                Set.of(OTHER)));
    try (TlsIdentity store = end(stack, poser);
        TlsIdentity buyer = end(stack, buyers);
        TlsPair pair = new TlsPair(store)) {
      var client = pair.connect(buyer, Set.of(asked)).outcome.get(10, TimeUnit.SECONDS);

      assertThat(client.reason()).isEqualTo(TlsReason.WRONG_IDENTITY);
    }
    Attack.tried("a server of another mesh under the name that a workload of this one is to have")
        .refusedBy("the calling proxy's handshake: wrong_identity")
        .countedAs("the handshake's reason");
  }

  /** The same from the other end: its name in the snapshot is no reason to lose it. */
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void aWorkloadIsReachedByItsNameInADomainThatIsAnothersUntilTheBundleSaysOtherwise(TlsStack stack)
      throws Exception {
    WorkloadCredentials buyers = AUTHORITY.issue(BUYER, OF_TWO_MESHES.trusted());
    try (TlsIdentity store = end(stack, STORES);
        TlsIdentity buyer = end(stack, buyers);
        TlsPair pair = new TlsPair(store)) {
      var client = pair.connect(buyer, Set.of(STORE.in(OTHER))).outcome.get(10, TimeUnit.SECONDS);

      assertThat(client.peer()).extracting(VerifiedPeer::identity).isEqualTo(STORE);
    }
    try (TlsIdentity store = end(stack, STORES);
        TlsIdentity buyer = end(stack, buyers);
        TlsPair pair = new TlsPair(store)) {
      var client = pair.connect(buyer, Set.of(BUYER.in(OTHER))).outcome.get(10, TimeUnit.SECONDS);

      assertThat(client.reason()).as("another account").isEqualTo(TlsReason.WRONG_IDENTITY);
    }
  }

  /**
   * The list is of the MeshConfig, which may federate with a domain before the mesh has left it.
   */
  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void anAccountThatIsDeniedStaysSoWhileADomainOfTheMeshIsCalledAnothers(TlsStack stack)
      throws Exception {
    WorkloadCredentials changing =
        AUTHORITY.issue(STORE, TestAuthority.bundle(List.of(DOMAIN, OTHER), AUTHORITY.root));
    DeniedPeers denied = new DeniedPeers(Set.of(), Set.of(BUYER.in(OTHER)), Set.of());
    try (TlsIdentity store = end(stack, changing, peer -> peer.isDeniedBy(denied))) {
      for (TrustDomain domain : List.of(OTHER, DOMAIN)) {
        try (TlsPair pair = new TlsPair(store)) {
          PresentedChain own = AUTHORITY.present(TestAuthority.Leaf.of(BUYER.in(domain)));
          foreignClient(pair, own, "TLSv1.3", "h2");

          assertThat(pair.server.outcome.get(10, TimeUnit.SECONDS).reason())
              .as("by its name in %s", domain)
              .isEqualTo(TlsReason.DENIED);
        }
      }
    }
    Attack.tried("a denied account whose former trust domain is federated by now")
        .refusedBy("the proxy's handshake: denied")
        .countedAs("the handshake's reason");
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void whoHasCameByARootThatIsGoneIsToBeCutWhereItIsOfAnotherMesh(TlsStack stack) throws Exception {
    assumeThat(stack.isAvailable()).isTrue();
    SpiffeId theirs = BUYER.in(OTHER);
    TestAuthority renewed = new TestAuthority(OTHER);
    var credentials = new java.util.concurrent.atomic.AtomicReference<>(OF_TWO_MESHES);
    var denied = new java.util.concurrent.atomic.AtomicReference<>(DeniedPeers.NONE);
    try (TlsIdentity store =
            new TlsIdentity(
                stack,
                credentials::get,
                peer -> peer.isDeniedBy(Objects.requireNonNull(denied.get())),
                TlsSettings.DEFAULTS);
        TlsPair pair = new TlsPair(store)) {
      foreignClient(pair, FOREIGN.present(TestAuthority.Leaf.of(theirs)), "TLSv1.3", "h2");
      VerifiedPeer peer =
          Objects.requireNonNull(pair.server.outcome.get(10, TimeUnit.SECONDS).peer());
      VerifiedPeer own = new VerifiedPeer(BUYER, AUTHORITY.root, Set.of(DOMAIN), peer.serial());

      assertThat(store.rejects(peer)).isFalse();
      denied.set(new DeniedPeers(Set.of(BUYER), Set.of(), Set.of()));
      assertThat(store.rejects(peer)).as("our account of that name is denied").isFalse();
      assertThat(store.rejects(own)).isTrue();
      denied.set(new DeniedPeers(Set.of(), Set.of(theirs), Set.of()));
      assertThat(store.rejects(peer)).isTrue();
      assertThat(store.rejects(own)).isFalse();
      denied.set(DeniedPeers.NONE);
      for (TrustBundles without :
          List.of(
              AUTHORITY.bundle(DOMAIN),
              new TrustBundles(
                  Map.of(DOMAIN, List.of(AUTHORITY.root), OTHER, List.of(renewed.root)),
                  Set.of(DOMAIN)),
              TestAuthority.bundle(List.of(DOMAIN, OTHER), AUTHORITY.root))) {
        credentials.set(AUTHORITY.issue(STORE, without));
        assertThat(store.rejects(peer)).as("%s", without.mesh()).isTrue();
        assertThat(store.rejects(own)).isFalse();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void refusesClientsWithoutACertificate(TlsStack stack) throws Exception {
    try (TlsIdentity store = end(stack, STORES);
        TlsPair pair = new TlsPair(store)) {
      foreignClient(pair, null, "TLSv1.3", "h2");

      var outcome = pair.server.outcome.get(10, TimeUnit.SECONDS);
      assertThat(outcome.reason()).as("%s", outcome.cause()).isEqualTo(TlsReason.NO_CERTIFICATE);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void refusesOlderTlsAndOtherApplicationProtocols(TlsStack stack) throws Exception {
    PresentedChain good = AUTHORITY.present(TestAuthority.Leaf.of(BUYER));
    for (String[] offer : new String[][] {{"TLSv1.2", "h2"}, {"TLSv1.3", "http/1.1"}}) {
      try (TlsIdentity store = end(stack, STORES);
          TlsPair pair = new TlsPair(store)) {
        foreignClient(pair, good, offer[0], offer[1]);

        var outcome = pair.server.outcome.get(10, TimeUnit.SECONDS);
        assertThat(outcome.reason()).as("%s", outcome.cause()).isEqualTo(TlsReason.PROTOCOL);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void givesUpOnAPeerThatSaysNothing(TlsStack stack) throws Exception {
    assumeThat(stack.isAvailable()).isTrue();
    TlsSettings impatient = new TlsSettings(Duration.ofMillis(200));
    try (TlsIdentity store = new TlsIdentity(stack, () -> STORES, TlsPolicy.OPEN, impatient);
        TlsPair pair = new TlsPair(store);
        Socket silent = new Socket("127.0.0.1", pair.address().getPort())) {
      assertThat(pair.server.outcome.get(10, TimeUnit.SECONDS).reason())
          .isEqualTo(TlsReason.TIMEOUT);
      assertThat(silent.getInputStream().readAllBytes()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void allowsForClocksThatDiffer(TlsStack stack) throws Exception {
    Instant now = Instant.now();
    TestAuthority.Leaf justOver =
        TestAuthority.Leaf.of(BUYER).valid(now.minusSeconds(600), now.minusSeconds(30));
    try (TlsIdentity store = end(stack, STORES);
        TlsPair pair = new TlsPair(store)) {
      foreignClient(pair, AUTHORITY.present(justOver), "TLSv1.3", "h2");

      var outcome = pair.server.outcome.get(10, TimeUnit.SECONDS);
      assertThat(outcome.peer()).as("%s", outcome.cause()).isNotNull();
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void usesTheNewestCredentialsForEachHandshake(TlsStack stack) throws Exception {
    assumeThat(stack.isAvailable()).isTrue();
    var credentials = new java.util.concurrent.atomic.AtomicReference<>(STRANGER.issue(STORE));
    try (TlsIdentity store =
            new TlsIdentity(stack, credentials::get, TlsPolicy.OPEN, TlsSettings.DEFAULTS);
        TlsIdentity buyer = end(stack, BUYERS);
        TlsPair pair = new TlsPair(store)) {
      var before = pair.connect(buyer, Set.of(STORE)).outcome.get(10, TimeUnit.SECONDS);
      credentials.set(STORES);
      var after = pair.connect(buyer, Set.of(STORE)).outcome.get(10, TimeUnit.SECONDS);

      assertThat(before.reason()).isEqualTo(TlsReason.UNTRUSTED);
      assertThat(after.peer()).isNotNull();
    }
  }

  /** A client that presents what it likes and believes everybody. */
  static void foreignClient(
      TlsPair pair,
      @org.jspecify.annotations.Nullable PresentedChain chain,
      String protocol,
      String alpn)
      throws Exception {
    try (SSLSocket socket = ForeignTls.open(pair.address(), chain, protocol, alpn)) {
      socket.startHandshake();
      InputStream in = socket.getInputStream();
      pair.server.outcome.get(10, TimeUnit.SECONDS);
      in.available();
    } catch (java.io.IOException e) {
      // The server's verdict is what is asked for.
    }
  }
}
