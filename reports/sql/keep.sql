-- keep.sql: the filters of the query and the rights of who asks. '-' asks for what is not filled in.
select * from known
where (@funnel = '' or funnel = @funnel)
	and (@owner = '' or owner = case @owner when '-' then '' else @owner end)
	and (@team = '' or team = case @team when '-' then '' else @team end)
	and (@source = '' or source = case @source when '-' then '' else @source end)
	and (@channel = '' or channel = @channel)
	and (@connection = '' or connection = case @connection when '-' then '' else @connection end)
	and (@product = '' or product = case @product when '-' then '' else @product end)
	and (@city = '' or city = case @city when '-' then '' else @city end)
	and (@only_owner = 0 or owner_id = @only_owner)
