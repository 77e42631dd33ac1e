<?php
// A WordPress for tests: its own database, no mail, no calls to anywhere, no jobs of its own.
define( 'DB_NAME', getenv( 'WP_TEST_DB' ) );
define( 'DB_USER', getenv( 'WP_TEST_DB_USER' ) );
define( 'DB_PASSWORD', getenv( 'WP_TEST_DB_PASSWORD' ) );
define( 'DB_HOST', getenv( 'WP_TEST_DB_HOST' ) );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
define( 'WP_HOME', getenv( 'WP_TEST_URL' ) );
define( 'WP_SITEURL', getenv( 'WP_TEST_URL' ) );
define( 'WP_ENVIRONMENT_TYPE', 'local' );  // application passwords over plain http
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'DISABLE_WP_CRON', true );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
foreach ( array( 'AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT',
	'LOGGED_IN_SALT', 'NONCE_SALT' ) as $name ) {
	define( $name, "$name of a blog for tests" );
}
$table_prefix = 'wp_';
defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );
require_once ABSPATH . 'wp-settings.php';
