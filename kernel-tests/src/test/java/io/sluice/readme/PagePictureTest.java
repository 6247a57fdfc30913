package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

/** The picture of the page, which {@code DemoTest} takes of a demo. */
class PagePictureTest {
  private static final String PICTURE = "docs/img/page.png";
  private static final String COMMAND =
      "mvn -Dquick -pl kernel-tests -am test -Dtest=DemoTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -Dsluice.page.picture="
          + PICTURE;
  private static final long MOST_BYTES = 150 << 10;

  @Test
  void theReadmeShowsOneThatIsSmall() throws IOException {
    SourceTree tree = SourceTree.around();
    Path file = tree.root().resolve(PICTURE);
    BufferedImage picture = ImageIO.read(file.toFile());

    assertThat(tree.read(Path.of("README.md"))).contains("](" + PICTURE + ")");
    assertThat(Files.size(file)).as("taken by: %s", COMMAND).isLessThanOrEqualTo(MOST_BYTES);
    assertThat(picture.getWidth()).isGreaterThanOrEqualTo(800);
  }
}
