package io.sluice.node.identity;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.svid.Certificates;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A node and its controller for tests of other packages. The node has no token at first. */
public final class IdentityFixture implements AutoCloseable {
  public static final SpiffeId SHOP = TestNode.SHOP;
  public static final SpiffeId BANK = TestNode.BANK;

  private final Path directory = temporary();
  private final TestAuthority authority = new TestAuthority(TestNode.SITE);
  private final TestController controller = new TestController(authority);
  private final TestNode node =
      TestNode.start(directory, controller.address(), false, new TestClock());

  private static Path temporary() {
    try {
      return Files.createTempDirectory("sluice-identity");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public NodeIdentities identities() {
    return node.identities;
  }

  /** Hands the node its token. */
  public void admit() {
    TestNode.write(directory, "token", controller.token("one"));
  }

  public void want(SpiffeId... wanted) {
    node.want(wanted);
  }

  public void awaitUsable(SpiffeId identity) {
    Await.until(() -> assertThat(node.identities.of(identity)).isPresent());
  }

  public String rootId() {
    return Certificates.id(authority.root);
  }

  public String controllerAddress() {
    return controller.address();
  }

  /** Identities that certificates were asked for, in their order. */
  public List<SpiffeId> issued() {
    return List.copyOf(controller.issued);
  }

  @Override
  public void close() {
    node.close();
    controller.close();
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(one);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
