package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.Direction;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ConnectionInfoTest {
  private static final NamespacedName ONE = new NamespacedName("shop", "one");
  private static final NamespacedName OTHER = new NamespacedName("shop", "other");
  private static final SpiffeId ONES = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "one");
  private static final SpiffeId OTHERS = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "other");

  private static final List<Object> VALUES =
      List.of(
          1L,
          Reporter.SOURCE,
          Direction.OUTBOUND,
          ONE,
          ONE,
          ONES,
          ONES,
          false,
          new InetSocketAddress("10.0.0.1", 40_000),
          new InetSocketAddress("10.96.0.1", 80),
          new InetSocketAddress("10.0.0.2", 80),
          ONE,
          ONE,
          "one.example",
          1L);
  private static final List<Object> DIFFERENT =
      List.of(
          2L,
          Reporter.DESTINATION,
          Direction.INBOUND,
          OTHER,
          OTHER,
          OTHERS,
          OTHERS,
          true,
          new InetSocketAddress("10.0.0.3", 40_000),
          new InetSocketAddress("10.96.0.1", 81),
          new InetSocketAddress("10.0.0.2", 81),
          OTHER,
          OTHER,
          "other.example",
          2L);

  @Test
  void onlyNumberAndPortOfTheClientMayDifferAmongThoseThatAreAlike() throws Exception {
    ConnectionInfo one = of(VALUES.toArray());
    RecordComponent[] components = ConnectionInfo.class.getRecordComponents();
    for (int i = 0; i < components.length; i++) {
      Object[] values = VALUES.toArray();
      values[i] = DIFFERENT.get(i);
      String name = components[i].getName();
      assertThat(one.isLike(of(values))).as(name).isEqualTo(name.equals("id"));
      assertThat(one.likenessHash() == of(values).likenessHash())
          .as(name)
          .isEqualTo(!Set.of("pod", "client", "upstreamOrNull", "reporter").contains(name));
    }
    ConnectionInfo another = one.another(3, new InetSocketAddress("10.0.0.1", 7));
    assertThat(one.isLike(another)).isTrue();
    assertThat(one.likenessHash()).isEqualTo(another.likenessHash());
  }

  private static ConnectionInfo of(Object[] values) throws Exception {
    Class<?>[] types =
        Arrays.stream(ConnectionInfo.class.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    Constructor<ConnectionInfo> canonical = ConnectionInfo.class.getDeclaredConstructor(types);
    return canonical.newInstance(values);
  }
}
