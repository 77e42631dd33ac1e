<?php
// Tests comment faster than people, and nobody reads the mail. Options that start with test_ make it fail on purpose.
remove_filter( 'check_comment_flood', 'check_comment_flood_db' );
remove_all_filters( 'wp_is_comment_flood' );
add_filter( 'pre_wp_mail', '__return_true' );
