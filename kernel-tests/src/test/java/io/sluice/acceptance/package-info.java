/**
 * The acceptance table {@code docs/acceptance.md}: every feature is listed, and what is called
 * proven names a test that exists.
 */
@NullMarked
package io.sluice.acceptance;

import org.jspecify.annotations.NullMarked;
