package io.sluice.interception.maps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.linux.socket.FamilyPorts;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CodecRoundTripTest {
  private static final long COOKIE = 0x8877_6655_4433_2211L;
  private static final InetAddress V4 = IpAddresses.parse("10.1.2.3");
  private static final InetAddress V6 = IpAddresses.parse("fd00::1:2");
  private static final InetSocketAddress V4_PORT = new InetSocketAddress(V4, 65_535);
  private static final InetSocketAddress V6_PORT = new InetSocketAddress(V6, 1);

  /** A codec with a value of its own. */
  record Sample<T>(StructCodec<T> codec, T value) {
    ByteBuffer encoded() {
      ByteBuffer buffer = ByteBuffer.allocate(codec.size()).order(ByteOrder.nativeOrder());
      codec.encode(value, buffer);
      return buffer;
    }

    @Override
    public String toString() {
      return value.toString();
    }
  }

  private static Stream<Sample<?>> samples() {
    return Stream.of(
        new Sample<>(AddressKey.CODEC, new AddressKey(V4)),
        new Sample<>(AddressKey.CODEC, new AddressKey(V6)),
        new Sample<>(ConfigValue.CODEC, new ConfigValue(COOKIE, 1)),
        new Sample<>(ConnectionKey.CODEC, new ConnectionKey(COOKIE, V4_PORT, V6_PORT)),
        new Sample<>(ConnectionKey.CODEC, new ConnectionKey(COOKIE, V6_PORT, V4_PORT)),
        new Sample<>(
            ConnectionValue.CODEC,
            new ConnectionValue(V4_PORT, ConnectionValue.KIND_PROXY_INBOUND, 7)),
        new Sample<>(
            CounterKey.CODEC,
            new CounterKey(COOKIE, Direction.INBOUND, 6, Outcome.PASSTHROUGH, Reason.LEAVING)),
        new Sample<>(DatagramCountsValue.CODEC, new DatagramCountsValue(1, 2, 3, 4)),
        new Sample<>(DatagramPeerValue.CODEC, DatagramPeerValue.of("spiffe://a/ns/b/sa/c d")),
        new Sample<>(
            DatagramRuleKey.CODEC,
            new DatagramRuleKey(COOKIE, new DatagramPeerValue(1, -1), 0xfffe, Direction.INBOUND)),
        new Sample<>(FastConnectionValue.CODEC, new FastConnectionValue(COOKIE, 1, 2, 3, V6_PORT)),
        new Sample<>(FastCounterKey.CODEC, new FastCounterKey(COOKIE, 5, V4_PORT)),
        new Sample<>(FastCountsValue.CODEC, new FastCountsValue(1, 2, 3, 4, 5, 6)),
        new Sample<>(
            FastRecordValue.CODEC,
            new FastRecordValue(COOKIE, 5, 1, 2, 3, 4, V4_PORT, V4_PORT, V6_PORT, 1)),
        new Sample<>(GrantKey.CODEC, new GrantKey(COOKIE, V6_PORT)),
        new Sample<>(
            GrantValue.CODEC,
            new GrantValue(
                List.of(
                    new GrantValue.GrantEndpoint(COOKIE, V4_PORT),
                    new GrantValue.GrantEndpoint(5, V6_PORT)))),
        new Sample<>(
            InstallationValue.CODEC,
            new InstallationValue(7, "0f1e2d3c-0000-1111-2222-333344445555", "node-1")),
        new Sample<>(InterfaceRuleKey.CODEC, new InterfaceRuleKey(COOKIE, 12)),
        new Sample<>(PodAddressKey.CODEC, new PodAddressKey(COOKIE, V4)),
        new Sample<>(PodAddressKey.CODEC, new PodAddressKey(COOKIE, V6)),
        new Sample<>(PodConnectionsValue.CODEC, new PodConnectionsValue(3, -7, 2)),
        new Sample<>(PodKey.CODEC, new PodKey(COOKIE)),
        new Sample<>(PodNameValue.CODEC, new PodNameValue("shop", "cart-0")),
        new Sample<>(PodSelfValue.CODEC, new PodSelfValue(COOKIE)),
        new Sample<>(PodValue.CODEC, new PodValue(V4, V6, 0xf, 2, new FamilyPorts(49_152, 65_535))),
        new Sample<>(PodValue.CODEC, new PodValue(V4, null, 0, 2, FamilyPorts.NONE)),
        new Sample<>(PodValue.CODEC, new PodValue(null, V6, 0, 2, new FamilyPorts(0, 50_001))),
        new Sample<>(PortRuleKey.CODEC, new PortRuleKey(COOKIE, 443, Direction.OUTBOUND)),
        new Sample<>(RangeRuleKey.CODEC, new RangeRuleKey(COOKIE, Cidr.parse("10.0.0.0/8"))),
        new Sample<>(RangeRuleKey.CODEC, new RangeRuleKey(COOKIE, Cidr.parse("0.0.0.0/0"))),
        new Sample<>(RangeRuleKey.CODEC, new RangeRuleKey(COOKIE, Cidr.parse("fd00::/8"))),
        new Sample<>(RangeRuleKey.CODEC, new RangeRuleKey(COOKIE, Cidr.parse("::/0"))),
        new Sample<>(
            SocketStateValue.CODEC,
            new SocketStateValue(
                COOKIE, V6_PORT, SocketStateValue.ROLE_PROXY, 0x3, Direction.INBOUND)),
        new Sample<>(
            SocketStateValue.CODEC,
            new SocketStateValue(
                COOKIE, null, SocketStateValue.ROLE_LISTENER, 0, Direction.OUTBOUND)));
  }

  @ParameterizedTest
  @MethodSource("samples")
  void readsWhatItWrote(Sample<?> sample) {
    ByteBuffer bytes = sample.encoded();

    assertThat(bytes.position()).isEqualTo(sample.codec().size());
    assertThat(sample.codec().decode(bytes.flip())).isEqualTo(sample.value());
    assertThat(bytes.hasRemaining()).isFalse();
  }

  @ParameterizedTest
  @MethodSource("samples")
  void leavesNothingBehindFromEarlierUseOfTheBuffer(Sample<?> sample) {
    assertThat(encodedOnto(sample, (byte) 0xff)).isEqualTo(encodedOnto(sample, (byte) 0));
  }

  private static <T> byte[] encodedOnto(Sample<T> sample, byte filler) {
    byte[] bytes = new byte[sample.codec().size()];
    Arrays.fill(bytes, filler);
    sample.codec().encode(sample.value(), ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()));
    return bytes;
  }

  @Test
  void readsAtThePositionOfTheBuffer() {
    ByteBuffer buffer = ByteBuffer.allocate(24).order(ByteOrder.nativeOrder());
    buffer.putLong(1).putLong(2).putLong(3).position(8);

    assertThat(PodKey.CODEC.decode(buffer)).isEqualTo(new PodKey(2));
    assertThat(buffer.position()).isEqualTo(16);
  }

  @Test
  void writesAddressesAndPortsInNetworkOrder() {
    byte[] bytes =
        new Sample<>(ConnectionKey.CODEC, new ConnectionKey(0, V4_PORT, V6_PORT)).encoded().array();

    assertThat(HexFormat.of().formatHex(bytes, 8, 44))
        .isEqualTo(
            "00000000000000000000ffff0a010203"
                + "fd000000000000000000000000010002"
                + "ffff"
                + "0001");
  }

  @Test
  void prefixLengthCountsCookieAndMappedBits() {
    assertThat(prefixLength("10.0.0.0/8")).isEqualTo(64 + 96 + 8);
    assertThat(prefixLength("0.0.0.0/0")).isEqualTo(64 + 96);
    assertThat(prefixLength("fd00::/8")).isEqualTo(64 + 8);
    assertThat(prefixLength("::/0")).isEqualTo(64);
  }

  private static int prefixLength(String range) {
    return new Sample<>(RangeRuleKey.CODEC, new RangeRuleKey(COOKIE, Cidr.parse(range)))
        .encoded()
        .getInt(0);
  }

  @Test
  void longestNameOfANodeKeepsItsEnd() {
    InstallationValue value = new InstallationValue(1, "boot", "n".repeat(252) + "x");

    ByteBuffer bytes = new Sample<>(InstallationValue.CODEC, value).encoded();

    assertThat(InstallationValue.CODEC.decode(bytes.flip())).isEqualTo(value);
  }

  @Test
  void namesThatFillTheirFieldKeepTheirEnd() {
    String longest = "n".repeat(63);
    PodNameValue name = new PodNameValue(longest, "p".repeat(253));

    ByteBuffer bytes = new Sample<>(PodNameValue.CODEC, name).encoded();

    assertThat(PodNameValue.CODEC.decode(bytes.flip())).isEqualTo(name);
  }

  @Test
  void textBeyondItsFieldIsCutAndTerminated() {
    InstallationValue cut =
        InstallationValue.CODEC.decode(
            new Sample<>(InstallationValue.CODEC, new InstallationValue(1, "b".repeat(99), "n"))
                .encoded()
                .flip());

    assertThat(cut.bootId()).isEqualTo("b".repeat(39));
    assertThat(cut.nodeName()).isEqualTo("n");
  }

  @Test
  void eventsAreReadAsTheProgramsWriteThem() {
    ByteBuffer event = ByteBuffer.allocate(EventValue.CODEC.size()).order(ByteOrder.nativeOrder());
    event.putLong(0, 5).putLong(8, COOKIE);
    event.put(32, IpAddresses.common(V4)).put(51, (byte) 53);
    event.put(52, (byte) 17).put(53, (byte) 0).put(54, (byte) 2).put(55, (byte) 10);

    assertThat(EventValue.CODEC.decode(event))
        .isEqualTo(
            new EventValue(
                5,
                COOKIE,
                null,
                new InetSocketAddress(V4, 53),
                17,
                Direction.OUTBOUND,
                Outcome.PASSTHROUGH,
                Reason.DNS));
  }

  @Test
  void eventsAreNeverWrittenFromHere() {
    EventValue event =
        new EventValue(
            0, 0, null, V4_PORT, 6, Direction.INBOUND, Outcome.REFUSED, Reason.PROTOCOL_REFUSED);

    assertThatThrownBy(() -> new Sample<>(EventValue.CODEC, event).encoded())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void reasonOfNewerProgramsIsNoFailure() {
    ByteBuffer key = ByteBuffer.allocate(CounterKey.CODEC.size()).order(ByteOrder.nativeOrder());
    key.put(9, (byte) 4).put(11, (byte) 63);

    assertThat(CounterKey.CODEC.decode(key).reason()).isEqualTo(Reason.INTERNAL_ERROR);
  }

  @Test
  void podFlagsSurviveTheirBits() {
    assertThat(PodFlag.of(PodFlag.bits(Set.of(PodFlag.LEAVING, PodFlag.PERMISSIVE))))
        .containsExactly(PodFlag.PERMISSIVE, PodFlag.LEAVING);
  }

  @Test
  void codesWithoutANameArePrintedAsNumbers() {
    assertThat(RuleAction.label(2)).isEqualTo("include");
    assertThat(RuleAction.label(9)).isEqualTo("exclude+metadata");
    assertThat(RuleAction.label(0)).isEqualTo("neutral");
    assertThat(RuleAction.label(65)).isEqualTo("65");
    assertThat(AddressKind.label(1)).isEqualTo("mesh");
    assertThat(AddressKind.label(0)).isEqualTo("0");
    assertThat(new ConnectionValue(V4_PORT, 3, 0).kindLabel()).isEqualTo("from_node");
    assertThat(new ConnectionValue(V4_PORT, 4, 0).kindLabel()).isEqualTo("path_check");
    assertThat(new ConnectionValue(V4_PORT, 6, 0).kindLabel()).isEqualTo("fast");
    assertThat(new ConnectionValue(V4_PORT, 99, 0).kindLabel()).isEqualTo("99");
  }
}
