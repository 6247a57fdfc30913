package io.sluice.reference;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The pages of {@code docs/reference} are what the code declares now. */
class ReferencePagesTest {
  private static final String WRITE = "reference.write";
  private static final String COMMAND =
      "mvn -Dquick -pl kernel-tests -am test -Dtest=ReferencePagesTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -D"
          + WRITE
          + "=true";
  private static final String MADE =
      "<!-- Made from the code. Do not edit; `" + COMMAND + "` writes it anew. -->\n\n";

  /** A page, and what makes it. */
  enum Page {
    CRDS(CrdReference::text),
    ANNOTATIONS(_ -> AnnotationReference.text()),
    METRICS(MetricReference::text);

    private final Function<SourceTree, String> text;

    Page(Function<SourceTree, String> text) {
      this.text = text;
    }

    private Path file() {
      return Path.of("docs", "reference", name().toLowerCase(Locale.ROOT) + ".md");
    }
  }

  @ParameterizedTest
  @EnumSource(Page.class)
  void pageSaysWhatTheCodeDeclares(Page page) throws IOException {
    SourceTree tree = SourceTree.around();
    String text = MADE + page.text.apply(tree);
    Path file = tree.root().resolve(page.file());
    if (Boolean.getBoolean(WRITE)) {
      Files.createDirectories(tree.root().resolve("docs/reference"));
      Files.writeString(file, text);
    }

    assertThat(file).as("written by: %s", COMMAND).content().isEqualTo(text);
  }
}
